import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../../server/bin/slipway-server.js', import.meta.url))
const STARTED = /Started HTTP listener at (\S+)/

/** A server in a process of its own, which faults can be done to. */
export interface ServerProcess extends AsyncDisposable {
  readonly url: string
  /** `kill -9`, as the kernel does to a process that takes too much memory. */
  kill(): Promise<void>
  /** Sends it a signal that it goes on after. */
  signal(signal: NodeJS.Signals): void
  /** Starts it again with the same settings, so on the same address. */
  start(): Promise<void>
  /** Resident memory in bytes. */
  memory(): Promise<number>
  /** Everything it has written to its standard streams so far. */
  readonly output: string
}

/** Starts the real program; `env` must name a `CODER_CONFIG_DIR`. The port is chosen once and kept. */
export async function startServerProcess(env: Readonly<Record<string, string>>): Promise<ServerProcess> {
  const address = `127.0.0.1:${await freePort()}`
  let child: ChildProcess | undefined
  let output = ''
  const start = async () => {
    const started = spawn(process.execPath, [PROGRAM], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, CODER_HTTP_ADDRESS: address, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child = started
    await new Promise<void>((resolve, reject) => {
      let said = ''
      const collect = (chunk: Buffer) => {
        said += chunk.toString()
        output += chunk.toString()
        if (STARTED.test(said)) resolve()
      }
      started.stdout.on('data', collect)
      started.stderr.on('data', collect)
      started.once('error', reject)
      started.once('exit', () => reject(new Error(`the server ended at its start:\n${said}`)))
    })
  }
  const end = async (signal: NodeJS.Signals) => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }
  await start()
  return {
    url: `http://${address}`,
    kill: () => end('SIGKILL'),
    signal: (signal) => void child?.kill(signal),
    start,
    get output() {
      return output
    },
    async memory() {
      const status = await readFile(path.join('/proc', String(child?.pid), 'status'), 'utf8')
      return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024
    },
    [Symbol.asyncDispose]: () => end('SIGTERM'),
  }
}

/** A port of the loopback interface that nobody listens on. */
export async function freePort(): Promise<number> {
  const probe = createServer()
  probe.listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new Error('the probe has no port')
  return address.port
}
