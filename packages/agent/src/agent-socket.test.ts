import { randomUUID } from 'node:crypto'
import { mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'

import { expect, it } from 'vitest'

import { createLogger } from '@slipway/request-log'
import { AgentSocket, agentSocketPath } from './agent-socket.ts'
import { ControlPlane } from './control-plane.ts'
import { connectAgent } from './testing/stand-in.ts'

function ask(socketPath: string, method: string, url: string, body?: string) {
  return new Promise<{ status: number; json: unknown }>((resolve, reject) => {
    const sent = request({ socketPath, method, path: url }, (response) => {
      text(response).then(
        (answer) => resolve({ status: response.statusCode ?? 0, json: JSON.parse(answer) }),
        reject,
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

it('OA-96: programs of the workspace report by the socket of its agent, which only their account opens', async () => {
  const agent_id = randomUUID()
  const socket = agentSocketPath({}, path.join(tmpdir(), `slipway-${agent_id}`))
  const report = { app_slug: 'web', state: 'working', message: 'Reads', uri: '' }
  {
    await using agent = await connectAgent({ agent_id })
    expect((await stat(socket)).mode & 0o777).toBe(0o600)
    expect((await ask(socket, 'GET', '/')).status).toBe(200)
    expect((await ask(socket, 'PATCH', '/app-status', JSON.stringify(report))).status).toBe(200)
    expect(agent.reports.filter(({ name }) => name === 'app-status')).toEqual([
      { name: 'app-status', body: report },
    ])
    for (const body of ['', 'null', '[]', '"x"', '{', `{"message":"${'x'.repeat(20_000)}"}`])
      expect((await ask(socket, 'PATCH', '/app-status', body)).status, body.slice(0, 9)).toBe(400)
    for (const [method, url] of [
      ['GET', '/app-status'],
      ['PATCH', '/app-status/x'],
      ['PATCH', '/manifest'],
    ] as const)
      expect((await ask(socket, method, url, method === 'GET' ? undefined : '{}')).status).toBe(404)
    agent.answerWith(400)
    expect((await ask(socket, 'PATCH', '/app-status', '{}')).status).toBe(400)
    agent.answerWith(503)
    expect((await ask(socket, 'PATCH', '/app-status', '{}')).status).toBe(502)
  }
  await expect(stat(socket)).rejects.toMatchObject({ code: 'ENOENT' })
})

it('OA-96: a socket that is left over gives way, one that somebody serves stays', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-socket-'))
  const socket = agentSocketPath({ CODER_AGENT_SOCKET_PATH: path.join(folder, 'own.sock') }, '/nowhere')
  const log = createLogger({ level: 'error', sink: { write: () => undefined } })
  const open = () => AgentSocket.open(socket, new ControlPlane('http://127.0.0.1:1', 'token'), log)
  try {
    {
      await using first = await open()
      await using second = await open()
      expect(first).not.toBe(second)
      expect((await ask(socket, 'GET', '/')).status).toBe(200)
    }
    await expect(stat(socket)).rejects.toThrow()
    const crashed = createServer()
    await new Promise<void>((resolve) => crashed.listen(socket, resolve))
    // As if its process had been killed: the file stays, and nobody listens.
    await rename(socket, `${socket}.kept`)
    await new Promise((resolve) => crashed.close(resolve))
    await rename(`${socket}.kept`, socket)
    await using again = await open()
    expect((await ask(socket, 'GET', '/')).status).toBe(200)
    expect(again).toBeDefined()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
