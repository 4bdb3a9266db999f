/**
 * Worker thread that evaluates templates in QuickJS, a JavaScript engine in WebAssembly: it has no I/O and
 * shares no object with this process, so a template can do nothing but compute an answer within limits.
 */
import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parentPort } from 'node:worker_threads'

import {
  DefaultIntrinsics,
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSRuntime,
  type QuickJSWASMModule,
  RELEASE_SYNC,
  Scope,
} from 'quickjs-emscripten'

import { ENTRY, type SandboxReply, type SandboxRequest } from './sandbox-protocol.ts'

/** The part of the WebAssembly API that is used here; Node.js types leave it to the DOM library. */
declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { initial: number; maximum: number })
  }
}

const PACKAGE = '@slipway/template'
const QUESTION = '@slipway/question'
const PACKAGE_FILES = ['index.ts', 'evaluate.ts', 'parameters.ts', 'template.ts', 'workspace.ts']

/** Reads of clock, chance and garbage collection would make two builds of one template differ. */
const DETERMINISM = `
  delete Math.random
  for (const name of ['WeakRef', 'FinalizationRegistry', 'SharedArrayBuffer', 'Atomics']) delete globalThis[name]
`

const packageModules = new Map(
  PACKAGE_FILES.map((file) => {
    const path = fileURLToPath(import.meta.resolve(PACKAGE)).replace(/index\.ts$/, file)
    return [`${PACKAGE}/${file}`, stripTypeScriptTypes(readFileSync(path, 'utf8'))]
  }),
)
let quickjs = await instantiate()

/**
 * A fresh engine. Its whole memory is fixed: QuickJS does not count array buffers against its own limit
 * (a loop over them reached 2 GiB), and growing WebAssembly memory step by step costs seconds.
 */
function instantiate(): Promise<QuickJSWASMModule> {
  const pages = 1024
  const wasmMemory = new WebAssembly.Memory({ initial: pages, maximum: pages })
  return newQuickJSWASMModuleFromVariant(newVariant(RELEASE_SYNC, { wasmMemory }))
}

/**
 * Some endings (a deadline inside a pending job, native recursion) leave the engine in a state that it
 * does not survive; then the answer is a refusal and the next evaluation gets a fresh engine.
 */
async function answer(request: SandboxRequest): Promise<SandboxReply> {
  let reply: SandboxReply = { ok: false, message: 'the template exceeded the limits of the sandbox' }
  try {
    evaluate(request, (settled) => {
      reply = settled
    })
  } catch {
    quickjs = await instantiate()
  }
  return reply
}

/** Calls `done` before it tears down, since the tear-down may throw. */
function evaluate(request: SandboxRequest, done: (reply: SandboxReply) => void): void {
  Scope.withScope((scope) => done(ask(request, scope)))
}

function ask(request: SandboxRequest, scope: Scope): SandboxReply {
  const runtime = scope.manage(quickjs.newRuntime())
  runtime.setMemoryLimit(request.limits.memoryBytes)
  runtime.setMaxStackSize(request.limits.stackBytes)
  // Not the clock on the wall, which may be set meanwhile.
  const end = performance.now() + request.limits.deadlineMs
  runtime.setInterruptHandler(() => performance.now() > end)
  runtime.setModuleLoader(
    (name) => load(name, request),
    (from, specifier) => resolveImport(from, specifier, request),
  )
  const context = scope.manage(runtime.newContext({ intrinsics: { ...DefaultIntrinsics, Date: false } }))
  scope.manage(context.unwrapResult(context.evalCode(DETERMINISM)))
  const evaluated = context.evalCode(questionSource(request), QUESTION, { type: 'module' })
  if (evaluated.error) return refusal(context, scope.manage(evaluated.error), end, request)
  const outcome = settle(runtime, context, scope, scope.manage(evaluated.value), end)
  if (outcome.error !== undefined) return refusal(context, outcome.error, end, request)
  const answer = scope.manage(context.getProp(outcome.value, 'default'))
  if (context.typeof(answer) !== 'string') return { ok: false, message: `${ENTRY} describes nothing` }
  const json = context.getString(answer)
  if (json.length <= request.limits.resultBytes) return { ok: true, json }
  return { ok: false, message: `the description is larger than ${request.limits.resultBytes} bytes` }
}

type Outcome =
  | { readonly value: QuickJSHandle; readonly error?: undefined }
  | { readonly error: QuickJSHandle | string }

/** A module with `await` at its top level evaluates to a promise; run it to its end. */
function settle(
  runtime: QuickJSRuntime,
  context: QuickJSContext,
  scope: Scope,
  value: QuickJSHandle,
  end: number,
): Outcome {
  while (runtime.hasPendingJob() && performance.now() <= end) {
    const ran = runtime.executePendingJobs(100)
    if (ran.error) return { error: scope.manage(ran.error) }
  }
  const state = context.getPromiseState(value)
  switch (state.type) {
    case 'fulfilled':
      return { value: state.notAPromise === true ? state.value : scope.manage(state.value) }
    case 'rejected':
      return { error: scope.manage(state.error) }
    case 'pending':
      return { error: 'an `await` waits for something that never happens' }
  }
}

/** Asks the template one question. JSON is also JavaScript, so inputs need no handles. */
function questionSource({ call }: SandboxRequest): string {
  const inputs = call.name === 'declarations' ? [] : [JSON.stringify(call.inputs)]
  if (call.name === 'workspace') inputs.push(JSON.stringify(call.context))
  return `
    import * as template from './${ENTRY}'
    import { ${call.name} as ask } from '${PACKAGE}/evaluate.ts'
    const stringify = JSON.stringify
    export default stringify(ask(${['template.default', ...inputs].join(', ')}))
  `
}

/** What the loader is asked for after a refused import; the engine passes on its errors only. */
const REFUSED = 'refused: '

function resolveImport(from: string, specifier: string, { files }: SandboxRequest): string {
  if (specifier === PACKAGE) return `${PACKAGE}/index.ts`
  if (from === QUESTION) return posix.normalize(specifier)
  if (specifier.startsWith('./') || specifier.startsWith('../')) {
    const path = posix.join(posix.dirname(from), specifier)
    if (packageModules.has(path)) return path
    if (!path.startsWith('../'))
      return files.has(path)
        ? path
        : `${REFUSED}${placeOf(from, specifier, files)}: there is no file ${path} in the template`
  }
  return `${REFUSED}${placeOf(from, specifier, files)}: '${specifier}' cannot be imported: a template may import ${PACKAGE} and its own files by a relative path`
}

/** The line of an import, as far as a look at the text can tell. */
function placeOf(from: string, specifier: string, files: SandboxRequest['files']): string {
  const lines = files.get(from)?.split('\n') ?? []
  const line = lines.findIndex((text) => text.includes('import') && text.includes(specifier))
  return line < 0 ? from : `${from}:${line + 1}`
}

function load(name: string, { files }: SandboxRequest): string {
  if (name.startsWith(REFUSED)) throw new Error(name.slice(REFUSED.length))
  const own = packageModules.get(name)
  if (own !== undefined) return own
  const source = files.get(name)
  if (source === undefined) throw new Error(`there is no file ${name} in the template`)
  return /\.m?js$/.test(name) ? source : strip(name, source)
}

function strip(name: string, source: string): string {
  try {
    return stripTypeScriptTypes(source)
  } catch (error) {
    throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

/** Words an error inside the sandbox so that its author finds the line. */
function refusal(
  context: QuickJSContext,
  error: QuickJSHandle | string,
  end: number,
  { limits }: SandboxRequest,
): SandboxReply {
  const dumped: unknown = typeof error === 'string' ? undefined : context.dump(error)
  const at = placeIn(dumped)
  if (performance.now() > end) {
    // The engine notes lines of calls only, so a loop that calls nothing is somewhere behind the last one.
    const near = at === '' ? '' : at.replace(/: $/, ' or below: ')
    return { ok: false, message: `${near}the template did not answer within ${limits.deadlineMs} ms` }
  }
  if (typeof error === 'string') return { ok: false, message: `${ENTRY}: ${error}` }
  if (typeof dumped !== 'object' || dumped === null)
    return { ok: false, message: `${ENTRY} threw ${JSON.stringify(dumped) ?? typeof dumped}` }
  const message = 'message' in dumped ? String(dumped.message) : JSON.stringify(dumped)
  // Refusals of the loader name their place themselves.
  return { ok: false, message: /^[^\s:]+:\d+: /.test(message) ? message : `${at}${message}` }
}

/** `file:line: ` of an error, where its stack says so. */
function placeIn(error: unknown): string {
  const stack = typeof error === 'object' && error !== null && 'stack' in error ? String(error.stack) : ''
  const line = stack.split('\n').find((text) => text.includes(':') && !text.includes('@slipway/'))
  const place = line === undefined ? null : /([^\s(:]+):(\d+)(?::\d+)?\)?$/.exec(line)
  return place === null ? '' : `${place[1]}:${place[2]}: `
}

parentPort?.on('message', async (request: SandboxRequest) => parentPort?.postMessage(await answer(request)))
