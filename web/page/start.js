// @ts-check
/** @file The page's one script. What it imports is served as part of it, and what it imports late as `late.js`. */

import './boot.js';
import './app.js';
