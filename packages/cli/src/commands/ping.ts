import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Command } from 'commander'

import type { TunnelClient } from '@slipway/tunnel'
import { duration } from '../duration.ts'
import { CommandError } from '../errors.ts'
import { openSession } from '../session.ts'
import { openTunnelTo } from '../tunnel.ts'

interface PingFlags {
  readonly num: string
  readonly wait: string
  readonly timeout: string
  readonly time?: boolean
  readonly utc?: boolean
}

/** `ping`. */
export function pingCommand(program: Command): void {
  program
    .command('ping <workspace>')
    .option('-n, --num <count>', 'number of pings; 0 goes on until Ctrl-C', '10')
    .option('--wait <duration>', 'time between two pings, such as 1s or 200ms', '1s')
    .option('-t, --timeout <duration>', 'how long to wait for an answer', '5s')
    .option('--time', 'show the time of each answer')
    .option('--utc', 'show the time of each answer in UTC')
    .action(async (name: string, own: PingFlags, command: Command) => {
      const wanted = Number(own.num)
      if (!Number.isInteger(wanted) || wanted < 0)
        throw new CommandError(`--num must be a whole number, not ${JSON.stringify(own.num)}`)
      const wait = duration(own.wait, '--wait')
      const timeout = duration(own.timeout, '--timeout')
      const client = await openSession(command)
      using tunnel = await openTunnelTo(client, name)
      const times: number[] = []
      const stop = new AbortController()
      process.once('SIGINT', () => stop.abort())
      for (let i = 0; wanted === 0 || i < wanted; i += 1) {
        if (i > 0) await sleep(wait, undefined, { signal: stop.signal }).catch(() => undefined)
        if (stop.signal.aborted) break
        const result = await ping(tunnel, timeout)
        if (typeof result === 'number') times.push(result)
        process.stdout.write(
          typeof result === 'number'
            ? `${stamp(own)}pong from ${name} via the server in ${result.toFixed(1)} ms\n`
            : `${stamp(own)}no answer from ${name}: ${result}\n`,
        )
        // A run without end keeps the newest times only.
        if (times.length > 10_000) times.shift()
      }
      if (times.length === 0) throw new CommandError(`${name} does not answer: is its agent connected?`)
      times.sort((a, b) => a - b)
      process.stdout.write(
        `min ${(times[0] ?? 0).toFixed(1)} ms, median ${(times[Math.floor(times.length / 2)] ?? 0).toFixed(1)} ms, max ${(times.at(-1) ?? 0).toFixed(1)} ms\n`,
      )
    })
}

function stamp(own: PingFlags, now = new Date()): string {
  if (own.utc === true) return `${now.toISOString()} `
  if (own.time !== true) return ''
  const local = new Date(now.getTime() - now.getTimezoneOffset() * 60_000)
  return `${local.toISOString().slice(0, -1).replace('T', ' ')} `
}

/** How long the first byte of the workspace's SSH server takes, in milliseconds, or why it does not come. */
export async function ping(tunnel: TunnelClient, timeout: number): Promise<number | string> {
  const start = performance.now()
  const late = AbortSignal.timeout(timeout)
  try {
    const stream = await tunnel.connect('ssh:22', {}, late)
    try {
      await once(stream, 'data', { signal: late })
    } finally {
      stream.on('error', () => undefined).destroy()
    }
    return performance.now() - start
  } catch (error) {
    if (late.aborted) return `none within ${timeout} ms`
    return error instanceof Error ? error.message : String(error)
  }
}
