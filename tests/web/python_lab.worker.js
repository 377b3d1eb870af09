// A Python for tests, in a worker: as python_lab.py's start() makes one on the page's own thread.
const ready = import('./pyodide/pyodide.mjs').then(({ loadPyodide }) => loadPyodide({ indexURL: './pyodide/' }));

onmessage = async ({ data: { code, given } }) => {
  try {
    const pyodide = await ready;
    pyodide.globals.set('given', pyodide.toPy(given));
    postMessage({ result: await pyodide.runPythonAsync(code) });
  } catch (error) {
    postMessage({ error: error.message });
  }
};
