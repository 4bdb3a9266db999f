import { readFileSync } from 'node:fs'
import { flushCompileCache } from 'node:module'

import { createLogger, describeError, LogSink } from '@slipway/request-log'
import { dropToAccount } from './account.ts'
import { runAgent } from './agent.ts'
import { ControlPlane } from './control-plane.ts'

/** Runs the agent as the environment says; resolves to the exit code. */
async function main(env: NodeJS.ProcessEnv): Promise<number> {
  const url = env.CODER_AGENT_URL ?? ''
  const token = env.CODER_AGENT_TOKEN ?? tokenFile(env.CODER_AGENT_TOKEN_FILE)
  if (!URL.canParse(url) || token === '') {
    process.stderr.write('error: CODER_AGENT_URL and CODER_AGENT_TOKEN must be set\n')
    return 1
  }
  using sink = new LogSink(2)
  const log = createLogger({ level: env.CODER_AGENT_VERBOSE === 'true' ? 'debug' : 'info', sink })
  const stop = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort(signal))
  // A terminal that closes is no reason for the workspace to end.
  process.on('SIGHUP', () => undefined)
  try {
    await runAgent({
      controlPlane: new ControlPlane(url, token),
      token,
      version: version(),
      log,
      stop: stop.signal,
      inherited: env,
    })
    return 0
  } catch (error) {
    if (stop.signal.aborted) return 0
    log.error('the agent cannot run', { error: describeError(error) })
    return 1
  }
}

function tokenFile(file: string | undefined): string {
  return file === undefined || file === '' ? '' : readFileSync(file, 'utf8').trim()
}

const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

function version(): string {
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? `v${String(manifest.version)}`
    : 'v0.0.0'
}

// All code is loaded by now; from here on nothing of the server's is needed. What it compiled to is kept for the next
// agent while it may still be written.
flushCompileCache()
dropToAccount(process.env.SLIPWAY_AGENT_ACCOUNT)
process.exitCode = await main(process.env)
// Connections of the library that still wind down must not hold the process.
process.exit()
