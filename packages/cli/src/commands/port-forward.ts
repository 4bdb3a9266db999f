import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

import type { Command } from 'commander'

import { splice, type TunnelClient } from '@slipway/tunnel'
import { CommandError } from '../errors.ts'
import { listIn, switchedOn } from '../flags.ts'
import { repeat } from '../repeat.ts'
import { openSession } from '../session.ts'
import { openTunnel } from '../tunnel.ts'
import { readyAgent } from '../wait-for-agent.ts'
import { findWorkspace, parseWorkspaceName } from '../workspace-name.ts'

interface Forward {
  readonly host: string
  readonly local: number
  readonly remote: number
}

/** `port-forward`. */
export function portForwardCommand(program: Command): void {
  program
    .command('port-forward <workspace>')
    .description('Make ports of a workspace reachable on this machine')
    .option(
      '-p, --tcp <ports>',
      '[host:]local[:remote], lists and ranges such as 8080,9000-9005:3000-3005; may be given several times',
      repeat,
    )
    .option('--udp <ports>', 'not supported', process.env.CODER_PORT_FORWARD_UDP)
    .option(
      '--disable-autostart',
      'do not start a stopped workspace',
      switchedOn('CODER_SSH_DISABLE_AUTOSTART'),
    )
    .action(
      async (
        name: string,
        own: { tcp?: readonly string[]; udp?: string; disableAutostart?: boolean },
        command: Command,
      ) => {
        if (own.udp !== undefined)
          throw new CommandError(
            'UDP cannot be forwarded: the connection to a workspace carries byte streams only',
          )
        const forwards = (own.tcp ?? listIn('CODER_PORT_FORWARD_TCP') ?? []).flatMap((text) =>
          text.split(',').flatMap(parseForward),
        )
        if (forwards.length === 0) throw new CommandError('name at least one port with --tcp')
        const client = await openSession(command)
        const { agent } = await readyAgent(client, await findWorkspace(client, name), {
          agent: parseWorkspaceName(name).agent,
          autostart: own.disableAutostart !== true,
          wait: 'no',
          say: (line) => process.stderr.write(`${line}\n`),
        })
        using tunnel = await openTunnel(client, agent.id)
        const servers = await Promise.all(forwards.map((forward) => listen(tunnel, forward)))
        process.stderr.write('Ready!\n')
        const stopped = new Promise<void>((resolve) => {
          for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
        })
        await Promise.race([stopped, tunnel.closed])
        for (const server of servers) server.close()
      },
    )
}

async function listen(tunnel: TunnelClient, forward: Forward): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.setNoDelay(true)
    tunnel.connect(`127.0.0.1:${forward.remote}`).then(
      (stream) => splice(socket, stream),
      (error: unknown) => {
        process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
        socket.destroy()
      },
    )
  })
  server.listen(forward.local, forward.host)
  await once(server, 'listening').catch((error: unknown) => {
    throw new CommandError(
      `${forward.host}:${forward.local} cannot be used: ${error instanceof Error ? error.message : String(error)}`,
    )
  })
  process.stderr.write(
    `Forwarding ${forward.host}:${forward.local} to port ${forward.remote} of the workspace\n`,
  )
  return server
}

/** Reads `[host:]local[:remote]` with ranges. @throws CommandError for anything else. */
export function parseForward(text: string): Forward[] {
  const match =
    /^(?:(\[[^\]]+\]|[^:[\]]*[^:\d[\]-][^:[\]]*|\d+\.\d+\.\d+\.\d+):)?(\d+(?:-\d+)?)(?::(\d+(?:-\d+)?))?$/.exec(
      text,
    )
  const [, host, local = '', remote = local] = match ?? []
  const locals = rangeOf(local)
  const remotes = rangeOf(remote)
  if (match === null || locals.length === 0 || locals.length !== remotes.length)
    throw new CommandError(
      `--tcp ${JSON.stringify(text)} is no [host:]local[:remote] with ranges of one length`,
    )
  return locals.map((port, i) => ({
    host: (host ?? '127.0.0.1').replace(/^\[|\]$/g, ''),
    local: port,
    remote: remotes[i] ?? port,
  }))
}

function rangeOf(text: string): number[] {
  const [first = 0, last = first] = text.split('-').map(Number)
  if (first < 1 || last > 65_535 || last < first || last - first > 1_000) return []
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}
