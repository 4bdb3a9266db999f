import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'

import {
  type Bench,
  COLLECTING,
  type MemoryOfEach,
  median,
  memoryOfEach,
  owner,
  run,
  runServer,
  type Subject,
  scratch,
} from './harness.ts'
import { load } from './load.ts'

const SELF = fileURLToPath(import.meta.url)
const BARE = fileURLToPath(new URL('./bare-events.ts', import.meta.url))
const PATH = '/api/experimental/mcp/http'
const LOAD = { connections: 16, seconds: 3 }
const ROUNDS = 7
/** Rounds that only compile: the code of a server that has just started is slow. */
const WARM_UP = 2
const SESSIONS = 1_000
const VERSION = '2025-11-25'
const MODERN = '2026-07-28'

const call = (id: number, meta: object = {}) =>
  JSON.stringify({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name: 'coder_get_authenticated_user', arguments: {}, ...meta },
  })

/** A tool call against the same call of the API, and the memory of open sessions. */
export const mcp: Bench = async () => {
  await using place = await scratch()
  await using server = await runServer(place.folder)
  const client = await owner(server.url)
  const token = client.headers['Coder-Session-Token'] ?? ''
  const headers = {
    Authorization: `Bearer ${token}`,
    Accept: 'application/json, text/event-stream',
    'Content-Type': 'application/json',
  }
  const session = await initialize(server.url, headers)
  const subject = (url: string, more: object = {}) => ({
    url,
    headers: {},
    rates: [] as number[],
    costs: [] as number[],
    ...more,
  })
  const rest = subject(`${server.url}/api/v2/users/me`, { headers: { ...client.headers } })
  const tool = subject(`${server.url}${PATH}`, {
    headers: { ...headers, 'Mcp-Session-Id': session, 'MCP-Protocol-Version': VERSION },
    body: call(1),
  })
  const stateless = subject(`${server.url}${PATH}`, {
    headers: {
      ...headers,
      'MCP-Protocol-Version': MODERN,
      'Mcp-Method': 'tools/call',
      'Mcp-Name': 'coder_get_authenticated_user',
    },
    body: call(1, {
      _meta: {
        'io.modelcontextprotocol/protocolVersion': MODERN,
        'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    }),
  })
  for (let round = 0; round < ROUNDS; round += 1)
    for (const { rates, costs, ...asked } of [rest, tool, stateless]) {
      const before = await server.processorTime()
      const { rate, answered } = await load({ ...LOAD, ...asked })
      if (round < WARM_UP) continue
      rates.push(rate)
      costs.push(((await server.processorTime()) - before) / answered)
    }
  const ours = await memoryOfSessions({})
  const kept = await memoryOfSessions(COLLECTING)
  await using bare = await run([BARE], COLLECTING)
  const bareKept = await memoryOfListeners(bare, '')
  const told = ({ rates, costs }: Pick<typeof rest, 'rates' | 'costs'>, unit: string): string =>
    `${median(rates).toFixed(0)} ${unit}, ${median(costs).toFixed(1)} µs of processor time each`
  const figure = (what: string, measured: typeof rest) => ({
    what,
    measured: told(measured, 'calls/s'),
    baseline: told(rest, 'requests/s of GET /api/v2/users/me'),
    result: (median(measured.rates) / median(rest.rates)).toFixed(2),
    wanted: 'at least 0.5',
  })
  return [
    figure(`tool call coder_get_authenticated_user in a session (${VERSION})`, tool),
    figure(`the same without a session (${MODERN})`, stateless),
    {
      what: `memory kept for each open MCP session that listens, as ${SESSIONS} join ${SESSIONS}`,
      measured: `${kept.further.toFixed(0)} KB`,
      baseline: `${bareKept.further.toFixed(0)} KB (Node alone)`,
      result: `${kept.further.toFixed(0)} KB`,
      wanted: 'at most 40 KB',
    },
    {
      what: `the same of the first ${SESSIONS} of a new server, with what it grows by at its first load`,
      measured: `${ours.first.toFixed(0)} KB`,
      baseline: `${bareKept.first.toFixed(0)} KB (Node alone, without garbage)`,
      result: `${ours.first.toFixed(0)} KB`,
      wanted: 'at most 40 KB',
    },
  ]
}

/** On a server of its own: what load leaves behind would hide it. */
async function memoryOfSessions(env: Readonly<Record<string, string>>): Promise<MemoryOfEach> {
  await using place = await scratch()
  await using server = await runServer(place.folder, undefined, env)
  return await memoryOfListeners(server, (await owner(server.url)).headers['Coder-Session-Token'] ?? '')
}

/** A session comes first, because it loads what all need. */
async function memoryOfListeners(server: Subject, token: string): Promise<MemoryOfEach> {
  await initialize(server.url, {
    Authorization: `Bearer ${token}`,
    Accept: 'application/json, text/event-stream',
    'Content-Type': 'application/json',
  })
  const children: ChildProcess[] = []
  const each = await memoryOfEach(server, SESSIONS, async () => {
    const child = spawn(process.execPath, [SELF, server.url, token], { stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(child)
    await once(child.stdout, 'data')
  })
  for (const child of children) child.kill('SIGKILL')
  return each
}

/** Opens a session and gives its id. */
async function initialize(url: string, headers: Record<string, string>): Promise<string> {
  const answer = await fetch(`${url}${PATH}`, {
    method: 'POST',
    headers,
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params: {
        protocolVersion: VERSION,
        capabilities: {},
        clientInfo: { name: 'bench', version: '1' },
      },
    }),
  })
  const session = answer.headers.get('mcp-session-id')
  if (session === null) throw new Error(`the server opens no session: ${await answer.text()}`)
  await answer.text()
  return session
}

/** Stands for many clients: opens sessions and listens on each. */
async function beClients(url: string, token: string): Promise<void> {
  const headers = {
    Authorization: `Bearer ${token}`,
    Accept: 'application/json, text/event-stream',
    'Content-Type': 'application/json',
    'X-Coder-Bypass-Ratelimit': 'true',
  }
  const { hostname, port } = new URL(url)
  for (let n = 0; n < SESSIONS; n += 1) {
    const session = await initialize(url, headers)
    const socket = connect(Number(port), hostname)
    socket.write(
      `GET ${PATH} HTTP/1.1\r\nHost: ${hostname}\r\nAccept: text/event-stream\r\nAuthorization: Bearer ${token}\r\nX-Coder-Bypass-Ratelimit: true\r\nMcp-Session-Id: ${session}\r\n\r\n`,
    )
    await once(socket, 'data')
    socket.resume()
  }
}

if (process.argv[1] === SELF) {
  await beClients(process.argv[2] ?? '', process.argv[3] ?? '')
  process.stdout.write('listening\n')
}
