import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'

import { WebSocketServer } from 'ws'

import type { AgentManifest } from '@slipway/contract'
import { createLogger } from '@slipway/request-log'
import { TunnelClient, type TunnelRequest } from '@slipway/tunnel'
import { runAgent } from '../agent.ts'
import { ControlPlane } from '../control-plane.ts'

/** What the agent has said, by the last part of the path. */
export interface Report {
  readonly name: string
  readonly body: unknown
}

/** A real agent that is connected to a control plane which only answers and takes notes. */
export interface ConnectedAgent extends AsyncDisposable {
  readonly home: string
  readonly reports: readonly Report[]
  /** Lines of the agent's own log. */
  readonly logged: readonly Readonly<Record<string, unknown>>[]
  /** How often the agent has connected. */
  readonly connections: number
  /** The newest tunnel. */
  tunnel(): TunnelClient
  /** Answers of the control plane from now on; by default all are 200. */
  answerWith(status: number): void
  /** Makes a request of the agent's API and reads its answer. */
  ask(
    method: string,
    path: string,
    body?: unknown,
    headers?: TunnelRequest['headers'],
  ): Promise<{ status: number; json: unknown; text: string; type: string }>
  /** Asks the agent to end, and waits until it has. */
  stop(): Promise<void>
}

/** Starts an agent with this manifest, in this process. */
export async function connectAgent(manifest: Partial<AgentManifest> = {}): Promise<ConnectedAgent> {
  const home = await mkdtemp(path.join(tmpdir(), 'slipway-agent-home-'))
  const reports: Report[] = []
  const logged: Record<string, unknown>[] = []
  const tunnels: TunnelClient[] = []
  let status = 200
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const name = request.url?.split('/').at(-1) ?? ''
      reports.push({ name, body: body === '' ? undefined : JSON.parse(body) })
      const answer =
        name === 'manifest' ? completed(manifest) : name === 'stats' ? { report_interval_seconds: 30 } : {}
      response.writeHead(name === 'manifest' ? 200 : status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(answer))
    })
  })
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => tunnels.push(new TunnelClient(socket)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const stop = new AbortController()
  const running = runAgent({
    controlPlane: new ControlPlane(`http://127.0.0.1:${address.port}`, randomUUID()),
    token: 'token',
    version: 'v0.0.0',
    log: createLogger({ level: 'debug', sink: { write: (line: string) => logged.push(JSON.parse(line)) } }),
    stop: stop.signal,
    inherited: { PATH: process.env.PATH, HOME: home, SHELL: '/bin/bash' },
  })
  while (tunnels.length === 0) await once(sockets, 'connection')
  const tunnel = (): TunnelClient => {
    const last = tunnels.at(-1)
    if (last === undefined) throw new Error('the agent is not connected')
    return last
  }
  const end = async (): Promise<void> => {
    stop.abort()
    await running
  }
  return {
    home,
    reports,
    logged,
    tunnel,
    stop: end,
    get connections() {
      return tunnels.length
    },
    answerWith(next) {
      status = next
    },
    async ask(method, requestPath, body, headers = {}) {
      const answer = await tunnel().request({
        method,
        path: requestPath,
        headers,
        ...(body === undefined
          ? {}
          : { body: body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body)) }),
      })
      const content = await text(answer.body)
      const type = answer.headers['content-type'] ?? ''
      return {
        status: answer.status,
        text: content,
        json: type.startsWith('application/json') ? JSON.parse(content) : undefined,
        type,
      }
    },
    async [Symbol.asyncDispose]() {
      status = 200
      await end()
      server.closeAllConnections()
      server.close()
      sockets.close()
      await rm(home, { recursive: true, force: true })
    },
  }
}

function completed(manifest: Partial<AgentManifest>): AgentManifest {
  return {
    agent_id: randomUUID(),
    agent_name: 'main',
    owner_id: randomUUID(),
    owner_username: 'ada',
    workspace_id: randomUUID(),
    workspace_name: 'dev',
    git_auth_configs: 0,
    vs_code_port_proxy_uri: '',
    motd_file: '',
    directory: '',
    environment_variables: {},
    disable_direct_connections: true,
    apps: [],
    scripts: [],
    metadata: [],
    secrets: [],
    ...manifest,
  }
}
