import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { type Bench, median, runServer, scratch } from './harness.ts'

const SELF = fileURLToPath(import.meta.url)
const ROUNDS = 5

/** From the start of the process to the first 200, against the same with the embedded database alone. */
export const start: Bench = async () => {
  await using place = await scratch()
  await (await runServer(place.folder))[Symbol.asyncDispose]()
  const whole: number[] = []
  const alone: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = performance.now()
    const server = await runServer(place.folder)
    await fetch(`${server.url}/healthz`)
    whole.push(performance.now() - before)
    await server[Symbol.asyncDispose]()
    const began = performance.now()
    const child = spawn(process.execPath, [SELF, path.join(place.folder, 'postgres')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    alone.push(performance.now() - began)
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    await exited
  }
  const extra = median(whole) - median(alone)
  return [
    {
      what: 'start with an existing embedded database to the first 200',
      measured: `${median(whole).toFixed(0)} ms`,
      baseline: `${median(alone).toFixed(0)} ms (that database alone)`,
      result: `+ ${(extra / 1_000).toFixed(2)} s`,
      wanted: 'at most + 1.0 s',
    },
  ]
}

if (process.argv[1] === SELF) {
  const { startEmbedded } = await import('../packages/server/src/database/embedded.ts')
  const { silentLogger } = await import('@slipway/request-log')
  const server = await startEmbedded({ directory: process.argv[2] ?? '', log: silentLogger() })
  process.stdout.write('ready\n')
  await once(process, 'SIGTERM')
  await server[Symbol.asyncDispose]()
}
