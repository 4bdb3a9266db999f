import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { describeError } from '@slipway/request-log'
import { asksForCheck, parseConfig } from './config/index.ts'
import { openLog, type ServerLog } from './open-log.ts'
import { type RunningServer, startServer } from './server.ts'
import { TickShape } from './tick-shape.ts'
import { YoungSpace } from './young-space.ts'

/** Runs the server until a signal; resolves to the exit code (OP-31, OP-33). */
export async function main(argv: readonly string[]): Promise<number> {
  const parsed = parseConfig(argv, process.env)
  if (parsed.kind !== 'print' && asksForCheck(argv)) {
    const { checkConfig } = await import('./check-config.ts')
    const report = await checkConfig(parsed)
    process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`)
    return report.ok ? 0 : 1
  }
  if (parsed.kind === 'refused') {
    for (const error of parsed.errors) process.stderr.write(`error: ${error}\n`)
    return 1
  }
  if (parsed.kind === 'print') {
    process.stdout.write(parsed.text)
    return 0
  }
  for (const warning of parsed.warnings) process.stderr.write(`warning: ${warning}\n`)
  let opened: ServerLog
  try {
    opened = openLog(parsed.config)
  } catch (error) {
    process.stderr.write(`error: a log cannot be opened: ${messageOf(error)}\n`)
    return 1
  }
  using output = opened
  const { log } = output
  // A forgotten promise is a fault of ours to find, and no reason to end everybody's work (ID-119).
  process.on('unhandledRejection', (error) =>
    log.error('a promise was rejected and nobody listened', { error: describeError(error) }),
  )
  const stop = nextSignal()
  let server: RunningServer | undefined
  let reloading = Promise.resolve()
  // Also before it has started: it would end the process otherwise (OP-15).
  process.on('SIGUSR2', () => {
    reloading = reloading.then(async () => {
      output.reopen()
      await server?.reload(() => parseConfig(argv, process.env))
    })
  })
  using _ticks = new TickShape()
  try {
    await using started = await startServer({ configuration: parsed, log })
    server = started
    // Neither is an error in a listener: it breaks the request that it was for (ID-119).
    process.on('uncaughtException', (error) =>
      log.error('an error was thrown and nobody caught it', { error: describeError(error) }),
    )
    releaseStartMemory()
    using _young = new YoungSpace()
    if (started.http !== undefined) process.stdout.write(`Started HTTP listener at ${started.http}\n`)
    if (started.tls !== undefined) process.stdout.write(`Started TLS/HTTPS listener at ${started.tls}\n`)
    process.stdout.write(`\nOpen ${parsed.config.accessUrl || started.url}\n`)
    log.info('stopping', { signal: await stop })
    return 0
  } catch (error) {
    log.error('the server cannot run', { error: describeError(error) })
    process.stderr.write(`error: ${messageOf(error)}\n`)
    return 1
  }
}

/**
 * Gives back the memory that loading the program took: an idle server has no reason of its own to collect it, and
 * would keep a fifth more than it needs (measured by `npm run bench -- memory`).
 */
function releaseStartMemory(): void {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  if (typeof collect === 'function') collect({ type: 'major', flavor: 'last-resort' })
  // Code that is loaded later is found in the compile cache only under the flags that it was stored with.
  setFlagsFromString('--no-expose-gc')
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function nextSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve(signal))
  })
}
