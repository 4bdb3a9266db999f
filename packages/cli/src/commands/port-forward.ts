import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

import type { Command } from 'commander'

import { splice, type TunnelClient } from '@slipway/tunnel'
import type { Connection } from '../connection.ts'
import { CommandError } from '../errors.ts'
import { listOption, option } from '../flags.ts'
import { patiently } from '../patience.ts'
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
    .addOption(
      listOption(
        '-p, --tcp <ports>',
        '[host:]local[:remote], with lists and ranges such as 8080,9000-9005:3000-3005; may be given several times',
        'CODER_PORT_FORWARD_TCP',
      ),
    )
    .addOption(option('--udp <ports>', 'not supported', 'CODER_PORT_FORWARD_UDP'))
    .addOption(
      option('--disable-autostart', 'do not start a stopped workspace', 'CODER_SSH_DISABLE_AUTOSTART'),
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
        const forwards = (own.tcp ?? []).flatMap((text) => text.split(',').flatMap(parseForward))
        if (forwards.length === 0) throw new CommandError('name at least one port with --tcp')
        const client = await openSession(command)
        const { agent } = await readyAgent(client, await findWorkspace(client, name), {
          agent: parseWorkspaceName(name).agent,
          autostart: own.disableAutostart !== true,
          wait: 'no',
          say,
        })
        const servers: Server[] = []
        let tunnel = await openTunnel(client, agent.id)
        try {
          for (const forward of forwards) servers.push(await listen(() => tunnel, forward))
          say('Ready!')
          const stopped = new Promise<'stopped'>((resolve) => {
            for (const signal of ['SIGINT', 'SIGTERM'] as const)
              process.once(signal, () => resolve('stopped'))
          })
          while ((await Promise.race([stopped, tunnel.closed])) !== 'stopped') {
            say('The connection is lost; connecting again …')
            const next = await Promise.race([stopped, connectAgain(client, name)])
            // Whoever stops it does not wait for an attempt that is under way.
            if (next === 'stopped') process.exit(0)
            tunnel = next
            say('Connected again.')
          }
        } finally {
          tunnel[Symbol.dispose]()
          for (const server of servers) server.close()
        }
      },
    )
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** A tunnel to the workspace's present agent; it is waited for, but a workspace that was stopped stays so. */
async function connectAgain(client: Connection, name: string): Promise<TunnelClient> {
  const workspace = await patiently(() => findWorkspace(client, name))
  const { agent } = await readyAgent(client, workspace, {
    agent: parseWorkspaceName(name).agent,
    autostart: false,
    wait: 'no',
    say,
  })
  return patiently(() => openTunnel(client, agent.id))
}

async function listen(tunnel: () => TunnelClient, forward: Forward): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    socket.setNoDelay(true)
    const opening = tunnel().connect(`127.0.0.1:${forward.remote}`)
    opening.then(
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
