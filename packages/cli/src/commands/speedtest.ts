import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

import type { Command } from 'commander'

import { type TunnelClient, TunnelRefusal } from '@slipway/tunnel'
import { duration } from '../duration.ts'
import { CommandError } from '../errors.ts'
import { jsonOption, type OutputFlags } from '../output.ts'
import { openSession } from '../session.ts'
import { openTunnelTo } from '../tunnel.ts'

const MAX_MS = 30_000
/** Of no pattern, so that nothing on the way can make it smaller. */
const BLOCK = randomBytes(64 * 1024)

interface Speed {
  readonly direction: 'down' | 'up'
  readonly bytes: number
  readonly ms: number
  readonly mbit_per_s: number
}

/** `speedtest` (AC-245, L-26). */
export function speedtestCommand(program: Command): void {
  jsonOption(
    program
      .command('speedtest <workspace>')
      .option('-d, --direction <direction>', 'down is from the workspace to here: down, up or both', 'both')
      .option('-t, --time <duration>', 'how long to measure in each direction, at most 30s', '5s'),
  ).action(async (name: string, own: OutputFlags & { direction: string; time: string }, command: Command) => {
    const ms = duration(own.time, '--time')
    if (ms > MAX_MS) throw new CommandError(`--time must be at most 30s, not ${own.time}`)
    const wanted = (['down', 'up'] as const).filter((one) => [one, 'both'].includes(own.direction))
    if (wanted.length === 0)
      throw new CommandError(`--direction must be down, up or both, not ${JSON.stringify(own.direction)}`)
    const client = await openSession(command)
    using tunnel = await openTunnelTo(client, name)
    const speeds: Speed[] = []
    for (const direction of wanted) {
      const measured = await (direction === 'down' ? down : up)(tunnel, ms).catch((error: unknown) => {
        if (!(error instanceof TunnelRefusal)) throw error
        throw new CommandError(
          `the agent of ${name} cannot measure: ${error.message}. One from before this command can after \`slipway restart ${name}\`.`,
        )
      })
      const speed = { direction, ...measured, mbit_per_s: (measured.bytes * 8) / measured.ms / 1_000 }
      speeds.push(speed)
      if (own.output !== 'json') process.stdout.write(line(speed))
    }
    if (own.output === 'json') process.stdout.write(`${JSON.stringify(speeds, null, 2)}\n`)
  })
}

type Measured = Pick<Speed, 'bytes' | 'ms'>

/** From the first byte that arrives. */
async function down(tunnel: TunnelClient, wantedMs: number): Promise<Measured> {
  let since: number | undefined
  let bytes = 0
  for await (const chunk of await tunnel.connect('speed-down:3')) {
    since ??= performance.now()
    bytes += Buffer.from(chunk).length
    if (performance.now() - since >= wantedMs) break
  }
  if (since === undefined) throw new CommandError('the workspace has sent nothing: try again')
  return { bytes, ms: performance.now() - since }
}

/** Until the other end has all of it and says so: what waits in buffers on the way does not count as sent. */
async function up(tunnel: TunnelClient, wantedMs: number): Promise<Measured> {
  const stream = await tunnel.connect('speed-up:3')
  const since = performance.now()
  const send = async (): Promise<void> => {
    while (performance.now() - since < wantedMs) if (!stream.write(BLOCK)) await once(stream, 'drain')
    stream.end()
  }
  // The answer fails when the tunnel is lost, whatever is still waited for.
  const [count] = await Promise.all([text(stream), send()])
  return { bytes: Number(count), ms: performance.now() - since }
}

function line({ direction, bytes, ms, mbit_per_s: rate }: Speed): string {
  return `${direction.padEnd(4)}  ${rate.toFixed(1).padStart(8)} Mbit/s  ${(bytes / 1e6).toFixed(1)} MB in ${(ms / 1_000).toFixed(1)} s\n`
}
