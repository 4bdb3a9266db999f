import { spawn } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import type { AgentScriptReport, ManifestScript } from '@slipway/contract'
import { Lines } from './lines.ts'
import { ScriptLog } from './script-log.ts'

const KILL_AFTER_MS = 10_000
const PIPES_GRACE_MS = 10_000

/** How a script ended. */
export interface ScriptResult {
  readonly exitCode: number
  readonly status: AgentScriptReport['status']
  readonly start: Date
  readonly end: Date
}

/** Where and how scripts run. */
export interface ScriptSurroundings {
  readonly env: Readonly<Record<string, string>>
  readonly directory: string
  readonly shell: string
  readonly logDirectory: string
  readonly dataDirectory: string
  readonly onLine: (sourceId: string, line: string) => void
}

/**
 * Runs a script of the manifest to its end (AC-117). One that takes too long is asked to hang up and killed
 * 10 s later, with everything it has started; output that somebody keeps open 10 s after its end is let go.
 */
export async function runScript(
  script: ManifestScript,
  around: ScriptSurroundings,
  signal?: AbortSignal,
): Promise<ScriptResult> {
  const start = new Date()
  const dataDirectory = path.join(around.dataDirectory, script.id)
  await mkdir(dataDirectory, { recursive: true })
  const logPath = path.resolve(
    around.logDirectory,
    script.log_path === '' ? `${script.id}.log` : script.log_path,
  )
  await mkdir(path.dirname(logPath), { recursive: true })
  using log = new ScriptLog(logPath)
  const interpreter = /^#!\s*(\S+)(?:[ \t]+(\S+))?/.exec(script.script)
  const file = path.join(dataDirectory, 'script')
  await writeFile(file, script.script, { mode: 0o700 })
  const child = spawn(
    interpreter?.[1] ?? around.shell,
    [...(interpreter?.[2] === undefined ? [] : [interpreter[2]]), file],
    {
      cwd: around.directory,
      env: {
        ...around.env,
        CODER_SCRIPT_DATA_DIR: dataDirectory,
        CODER_SCRIPT_BIN_DIR: around.env.PATH?.split(path.delimiter)[0] ?? '',
      },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const streams = [child.stdout, child.stderr]
  const closed = Promise.all(
    streams.map((stream) => {
      const lines = new Lines((line) => around.onLine(script.log_source_id, line))
      stream.on('data', (chunk: Buffer) => {
        lines.write(chunk)
        log.write(chunk, stream)
      })
      return new Promise<void>((resolve) =>
        stream.on('close', () => {
          lines.end()
          resolve()
        }),
      )
    }),
  )
  let timedOut = false
  let kill: NodeJS.Timeout | undefined
  const hangUp = (): void => {
    signalGroup(child.pid, 'SIGHUP')
    kill ??= setTimeout(() => signalGroup(child.pid, 'SIGKILL'), KILL_AFTER_MS)
  }
  const expire = (): void => {
    timedOut = true
    hangUp()
  }
  const limit = script.timeout > 0 ? setTimeout(expire, script.timeout * 1_000) : undefined
  signal?.addEventListener('abort', hangUp, { once: true })
  const exitCode = await new Promise<number>((resolve) => {
    child.on('error', (error) => {
      around.onLine(script.log_source_id, `the script could not be started: ${error.message}`)
      resolve(127)
    })
    child.on('exit', (code) => resolve(code ?? 255))
  })
  clearTimeout(limit)
  clearTimeout(kill)
  signal?.removeEventListener('abort', hangUp)
  const drained = await Promise.race([closed.then(() => true), delay(PIPES_GRACE_MS, false, { ref: false })])
  if (!drained) for (const stream of streams) stream.destroy()
  await closed
  const status = timedOut
    ? 'timed_out'
    : !drained
      ? 'pipes_left_open'
      : exitCode === 0
        ? 'ok'
        : 'exit_failure'
  return { exitCode, status, start, end: new Date() }
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // The group has ended already.
  }
}
