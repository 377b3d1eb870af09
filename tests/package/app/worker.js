/** @file A worker of an app, which starts those of the package as nested workers. */

import * as work from './work.js';

onmessage = async ({ data: { name, given } }) => {
  postMessage(await work[name](...given).catch((error) => `${error.name}: ${error.message}`));
};
