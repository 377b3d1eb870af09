// Python from the image of its memory, for tests: answers code with its value, or with the error's message.
import { startFromImage } from './python-image.js';

onmessage = async ({ data: { files, archive, code } }) => {
  try {
    const python = await startFromImage(files, archive);
    postMessage({ result: python.runPython(code) });
  } catch (error) {
    postMessage({ error: `${error.name}: ${error.message}` });
  }
};
