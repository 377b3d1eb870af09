// @ts-check
/**
 * @file Every message between the page and its workers, as one union. A request carries an `id`; its replies carry the same.
 *
 *     page ── BootRequest, InspectRequest, CompileRequest, ExplainRequest ──▶ compiler.worker.js
 *     page ── MusterRequest, FollowRequest, LeadRequest, OpenRequest, RunRequest, SaveRequest, LeaveRequest ──▶ compute.worker.js
 *     page ── DecodeRequest                               ──▶ image.worker.js
 *     page ── StartRequest, StoreRequest, AddRequest, ScriptRequest ──▶ python.worker.js
 *
 * A worker answers a request with any number of Progress messages, and then with one result or one ErrorReply.
 */

/** @typedef {import('./errors.js').WireError} WireError */
/** @typedef {import('./dtypes.js').TypedArray} TypedArray */

/**
 * What to compile for; the fields of `wasmkiln.options.CompileOptions` that a page may set.
 * @typedef {object} CompileOptions
 * @property {'relaxed' | 'baseline'} simd
 * @property {number} threads
 * @property {Record<string, number>} dims sizes for symbolic dimensions, by name; others are 1
 * @property {Record<string, number[]>} shapes whole shapes for inputs, by name
 */

/**
 * Where an input or output lies in the model's memory.
 * @typedef {{name: string, dtype: string, shape: number[], offset: number, nbytes: number}} Binding
 */

/**
 * A list of steps in the model's memory.
 * @typedef {{table: number, steps: number}} StepTable
 */

/**
 * The artifact's metadata, as `wasmkiln.artifact` writes it. `segments` are [dst, nbytes] of the data blob in order;
 * `copies` are [init step, file, src, nbytes, dst], done just before that init step.
 * @typedef {object} Meta
 * @property {number} version
 * @property {number} pages
 * @property {boolean} shared
 * @property {'relaxed' | 'baseline'} simd
 * @property {number} threads
 * @property {[number, number][]} segments
 * @property {[number, number, number, number, number][]} copies
 * @property {StepTable} init
 * @property {StepTable} main
 * @property {Binding[]} inputs
 * @property {Binding[]} outputs
 * @property {number} arenaBytes
 * @property {number} weightBytes
 * @property {number} macs
 */

/**
 * A compiled model without its weights, which stay in the model's file.
 * @typedef {{meta: Meta, code: Uint8Array<ArrayBuffer>, data: Uint8Array}} Artifact
 */

/**
 * One row of the report: how a node of the model will run.
 * @typedef {{node: string, op: string, how: 'kernel' | 'expanded' | 'init' | 'folded', kernels: string[],
 *   dtype: string, macs: number}} ReportRow
 */

/**
 * Seconds by phase of the compiler, in order.
 * @typedef {Record<string, number>} Timings
 */

/**
 * A model's face. A dimension is a size, or a symbol where several are possible; a shape may be unknown altogether.
 * @typedef {{name: string, dtype: string, shape: (number | string)[] | null}} Signature
 * @typedef {{inputs: Signature[], outputs: string[], nodes: number, metadata: Record<string, string>}} ModelInfo
 */

/**
 * What pictures of a compiled model need, as `wasmkiln.explain` writes it; `sources` of a node are indices of the graph's.
 * @typedef {{op: string, phase: 'init' | 'main', inputs: string[], outputs: string[], kernels: string[], macs: number, sources: number[]}} FusedNode
 * @typedef {{inputs: string[], outputs: Record<string, string>, nodes: FusedNode[],
 *   values: Record<string, {dtype: string, shape: number[]}>, sources: [name: string, op: string][]}} FusedGraph
 * @typedef {{kernel: string, node: number, macs: number}} Step
 * @typedef {{names: string[], node: number, kind: 'input' | 'output' | 'constant' | 'temporary', offset: number, bytes: number,
 *   first: number, last: number}} MemoryBuffer
 * @typedef {{initSteps: number, steps: number, end: number, weightBytes: number, arenaBytes: number, buffers: MemoryBuffer[]}} MemoryPlan
 * @typedef {{graph: FusedGraph, steps: Step[], memory: MemoryPlan}} Explanation
 */

/**
 * A file of a bundle: its name, size and hash. Its content is at hand, or behind a URL.
 * @typedef {{file: string, bytes: number, sha256: string}} Part
 * @typedef {ArrayBuffer | ArrayBufferView | Blob | string} Content
 */

/**
 * What a bundle consists of. `weights` together are the stored `constants`, [address, bytes in memory, 1 if stored as
 * half-precision floats] in order. Of `code` one is used. The last figures are those of the
 * largest plan.
 * @typedef {object} Manifest
 * @property {string} format
 * @property {number} version
 * @property {string} compiler the version of wasmkiln that compiled it
 * @property {string} name of the model
 * @property {Signature[]} inputs
 * @property {Signature[]} outputs
 * @property {(Part & {simd: 'relaxed' | 'baseline'})[]} code
 * @property {Part[]} weights
 * @property {[number, number, 1?][]} constants
 * @property {Part} plans
 * @property {Part} [report] rows of the report, as JSON
 * @property {number} macs
 * @property {number} arenaBytes
 * @property {number} weightBytes
 */

/**
 * What a saved model says of itself beside what its leader knows.
 * @typedef {{compiler: string, name: string, report?: ReportRow[]}} About
 */

/**
 * A file beside the model that it keeps weights in, by the model's name for it.
 * @typedef {{path: string, data: ArrayBuffer}} External
 */

/**
 * Inputs and outputs as the model declares them, with names for the sizes that were left open.
 * @typedef {{inputs: Signature[], outputs: Signature[]}} Declared
 */

/**
 * A step of a model: its kernel, and the nodes that it carries out.
 * @typedef {{node: string, kernel: string, macs: number}} NamedStep
 */

/**
 * Where the compiler worker finds Python and us; null where they are usually. `files` of a compiled model are the model's and those
 * of its external data, by the numbers that the artifact's copies have for them.
 * @typedef {{id: number, type: 'boot', pyodide: string | null, archive: string | null}} BootRequest
 * @typedef {{id: number, type: 'inspect', model: ArrayBuffer}} InspectRequest
 * @typedef {{id: number, type: 'compile', model: ArrayBuffer, external: External[], options: CompileOptions}} CompileRequest
 * @typedef {{id: number, type: 'explain', model: ArrayBuffer, options: CompileOptions}} ExplainRequest
 * @typedef {{id: number, type: 'booted', version: string, python: string, steps: Timings}} Booted
 * @typedef {{id: number, type: 'inspected', model: ArrayBuffer, info: ModelInfo}} Inspected
 * @typedef {{id: number, type: 'compiled', files: ArrayBuffer[], artifact: Artifact, report: ReportRow[], declared: Declared, steps: NamedStep[],
 *   timings: Timings}} Compiled
 * @typedef {{id: number, type: 'explained', explanation: Explanation}} Explained
 */

/**
 * Values of one tensor on their way in or out of a model.
 * @typedef {{type: string, data: TypedArray, dims: readonly number[]}} TensorRecord
 * @typedef {Record<string, TensorRecord>} Feeds
 */

/**
 * `muster` makes a worker the leader of some followers, `follow` one of these; each pair is joined by a port.
 * `lead` loads an artifact, which the followers share, and answers runs; `open` loads a bundle, with code module `module`,
 * and runs plans of fewer than `leastMacs` multiply-accumulates on one thread; `save` gives a bundle.
 * A run with `profile` goes step by step on one thread, for `times` in ms. `leave` gives a model up, so that the workers are free for another.
 * @typedef {{id: number, type: 'lead', artifact: Artifact, files: ArrayBuffer[]}} LeadRequest
 * @typedef {{id: number, type: 'open', manifest: Manifest, contents: Record<string, Content>, module: number,
 *   leastMacs: number}} OpenRequest
 * @typedef {{id: number, type: 'save', about: About}} SaveRequest
 * @typedef {{id: number, type: 'follow', port: MessagePort}} FollowRequest
 * @typedef {{id: number, type: 'muster', ports: MessagePort[]}} MusterRequest
 * @typedef {{id: number, type: 'leave'}} LeaveRequest
 * @typedef {{id: number, type: 'run', feeds: Feeds, profile: boolean}} RunRequest
 * @typedef {{id: number, type: 'leading', loadMs: number, warmMs: number, memoryBytes: number, codeBytes: number, threads: number,
 *   plans: number, inputs: Binding[], outputs: Binding[], macs: number, arenaBytes: number}} Leading
 * @typedef {{id: number, type: 'saved', manifest: Manifest, files: Record<string, Uint8Array<ArrayBuffer>>}} Saved
 * @typedef {{id: number, type: 'following'}} Following
 * @typedef {{id: number, type: 'mustered'}} Mustered
 * @typedef {{id: number, type: 'left'}} Left
 * @typedef {{id: number, type: 'ran', outputs: Feeds, ms: number, times: Float64Array | null}} Ran
 */

/**
 * What the leader sends a follower through their port.
 * @typedef {{module: WebAssembly.Module, memory: WebAssembly.Memory, thread: number}} Enlistment
 */

/**
 * How a picture becomes a tensor; the `preprocess` of the models' manifest. Levels are 0 to 255; `(level - mean) / std` is what
 * the model gets, by channel in the model's order.
 * @typedef {object} Preprocess
 * @property {'centre' | 'none'} crop the centre as a square, or the whole picture, whatever its proportions
 * @property {number} crop_fraction of the shorter side, for 'centre'
 * @property {'bicubic'} resize
 * @property {number} width
 * @property {number} height
 * @property {number[]} mean
 * @property {number[]} std
 * @property {'RGB' | 'BGR' | 'grey'} [colour] the channels; RGB if absent
 * @property {'NCHW' | 'NHWC'} [layout] NCHW if absent
 */

/**
 * A picture as RGBA bytes, row by row: what ImageData holds.
 * @typedef {{data: Uint8ClampedArray | Uint8Array, width: number, height: number}} Pixels
 */

/**
 * `data` has the preprocessing's layout; `preview` shows the whole picture, and is absent where `previewSize` is 0. `width` and
 * `height` are the picture's own. `quick` lets the browser resize.
 * @typedef {{id: number, type: 'decode', image: Blob | ImageBitmap | VideoFrame | Pixels, preprocess: Preprocess, previewSize: number,
 *   quick: boolean}} DecodeRequest
 * @typedef {{id: number, type: 'decoded', data: Float32Array, preview: ImageBitmap | null, width: number, height: number, ms: number}} Decoded
 */

/**
 * `start` starts Python, `store` writes a file into its folder, `add` loads a package of Pyodide's, `script` runs a script.
 * `error` is the exception that a script ended with.
 * @typedef {{id: number, type: 'start', pyodide: string, archive: string}} StartRequest
 * @typedef {{id: number, type: 'store', name: string, data: ArrayBuffer}} StoreRequest
 * @typedef {{id: number, type: 'add', name: string}} AddRequest
 * @typedef {{id: number, type: 'script', code: string}} ScriptRequest
 * @typedef {{id: number, type: 'started', version: string}} Started
 * @typedef {{id: number, type: 'stored'}} Stored
 * @typedef {{id: number, type: 'added'}} Added
 * @typedef {{id: number, type: 'ended', error: string, ms: number}} Ended
 */

/**
 * `step` names what has begun, in words for a person; of a script it is a line that it printed.
 * @typedef {{id: number, type: 'progress', step: string}} Progress
 * @typedef {{id: number, type: 'error', error: WireError}} ErrorReply
 */

/**
 * @typedef {BootRequest | InspectRequest | CompileRequest | ExplainRequest} CompilerRequest
 * @typedef {MusterRequest | FollowRequest | LeadRequest | OpenRequest | RunRequest | SaveRequest | LeaveRequest} ComputeRequest
 * @typedef {StartRequest | StoreRequest | AddRequest | ScriptRequest} PythonRequest
 * @typedef {CompilerRequest | ComputeRequest | DecodeRequest | PythonRequest} Request
 * @typedef {Started | Stored | Added | Ended} PythonResult
 * @typedef {Booted | Inspected | Compiled | Explained | Mustered | Following | Leading | Saved | Ran | Left | Decoded | PythonResult} Result
 * @typedef {Result | Progress | ErrorReply} Reply
 */

/**
 * The result that each request leads to.
 * @typedef {object} Results
 * @property {Booted} boot
 * @property {Inspected} inspect
 * @property {Compiled} compile
 * @property {Explained} explain
 * @property {Leading} lead
 * @property {Leading} open
 * @property {Saved} save
 * @property {Mustered} muster
 * @property {Following} follow
 * @property {Left} leave
 * @property {Ran} run
 * @property {Decoded} decode
 * @property {Started} start
 * @property {Stored} store
 * @property {Added} add
 * @property {Ended} script
 */

/** The step of loading that runs the model on zeros, for the first time. */
export const WARMING_UP = 'Warming up';

/**
 * Ends a switch over messages: no type may pass unknown.
 * @param {never} message
 * @returns {never}
 */
export function unknownMessage(message) {
  throw new TypeError(`unknown message type '${/** @type {any} */ (message)?.type}'`);
}
