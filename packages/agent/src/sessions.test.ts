import { randomUUID } from 'node:crypto'
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { text } from 'node:stream/consumers'

import ssh2 from 'ssh2'
import { expect, it } from 'vitest'

import type { AgentConnectionReport } from '@slipway/contract'
import { silentLogger } from '@slipway/request-log'
import { until } from '@slipway/testkit'
import { ConnectionReports } from './connection-reports.ts'
import { writeSecretFiles } from './secret-files.ts'
import { type ConnectedAgent, connectAgent } from './testing/stand-in.ts'

/** What the agent has told of sessions. */
function told(agent: ConnectedAgent): AgentConnectionReport[] {
  return agent.reports.flatMap(({ name, body }) =>
    name === 'connections' ? (body as { connections: AgentConnectionReport[] }).connections : [],
  )
}

async function run(
  agent: ConnectedAgent,
  command: string,
  env: Record<string, string> = {},
): Promise<string> {
  const client = new ssh2.Client()
  const sock = await agent.tunnel().connect('ssh:22')
  await new Promise<void>((resolve, reject) => {
    client.on('ready', resolve).on('error', reject)
    client.connect({ sock, username: 'anybody' })
  })
  const channel = await new Promise<ssh2.ClientChannel>((resolve, reject) =>
    client.exec(command, { env }, (error, opened) => (error === undefined ? resolve(opened) : reject(error))),
  )
  const output = await text(channel)
  client.end()
  return output
}

it('AC-112: secrets are variables as they are, over what the template says, and files for their user alone', async () => {
  const value = 'top $HOME "secret"\n'
  await using agent = await connectAgent({
    environment_variables: { TOKEN: 'of the template', OTHER: '$TOKEN' },
    secrets: [
      { env_name: 'TOKEN', file_path: '', value },
      { env_name: '', file_path: '~/.config/app/token', value },
      { env_name: 'BOTH', file_path: '~/both', value: 'b' },
      { env_name: '', file_path: '/dev/null/impossible', value: 'c' },
    ],
  })
  expect(await run(agent, 'printf %s "$TOKEN$BOTH"; printf %s "$OTHER"')).toBe(`${value}bof the template`)
  const file = path.join(agent.home, '.config/app/token')
  expect(await readFile(file, 'utf8')).toBe(value)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect((await stat(path.dirname(file))).mode & 0o777).toBe(0o700)
  const lines = JSON.stringify(agent.logged)
  expect(lines).toContain('/dev/null/impossible')
  expect(lines).not.toContain('secret\\"')
})

it('AC-112: a file that is there already gets the value and loses the rights of others', async () => {
  await using agent = await connectAgent()
  const [open, same] = ['open', 'same'].map((name) => path.join(agent.home, 'kept', name))
  if (open === undefined || same === undefined) throw new Error('two files')
  await mkdir(path.dirname(open), { mode: 0o755 })
  for (const file of [open, same]) {
    await writeFile(file, file === same ? 'new' : 'old')
    await chmod(file, 0o644)
  }
  const secrets = ['open', 'same'].map((name) => ({
    env_name: '',
    file_path: `~/kept/${name}`,
    value: 'new',
  }))
  await writeSecretFiles(secrets, agent.home, silentLogger())
  for (const file of [open, same]) {
    expect(await readFile(file, 'utf8')).toBe('new')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  }
  expect((await stat(path.dirname(open))).mode & 0o777).toBe(0o755)
})

it('AC-81: every session of a client is reported with its kind, its beginning and how it ended', async () => {
  await using agent = await connectAgent()
  await run(agent, 'exit 7')
  await run(agent, 'kill -KILL $$', { CODER_SSH_SESSION_TYPE: 'VSCode' })
  const reports = await until('four reports', () => told(agent).length === 4 && told(agent))
  const [one, other] = [reports[0]?.id, reports[2]?.id]
  expect(reports).toMatchObject([
    { id: one, action: 'connect', type: 'ssh' },
    { id: one, action: 'disconnect', type: 'ssh', exit_code: 7 },
    { id: other, action: 'connect', type: 'vscode' },
    { id: other, action: 'disconnect', type: 'vscode', reason: 'ended by SIGKILL' },
  ])
  expect(one).not.toBe(other)
})

it('AC-81: so is every viewer of a terminal', async () => {
  await using agent = await connectAgent()
  const request = { id: randomUUID(), width: 80, height: 24, command: 'cat' }
  const stream = await agent.tunnel().connect('pty:0', {
    'x-slipway-pty': Buffer.from(JSON.stringify(request)).toString('base64url'),
  })
  await until('the beginning', () => told(agent).length === 1)
  stream.destroy()
  const reports = await until('the end', () => told(agent).length === 2 && told(agent))
  expect(reports.map(({ action, type }) => [action, type])).toEqual([
    ['connect', 'reconnecting_pty'],
    ['disconnect', 'reconnecting_pty'],
  ])
})

it('AC-81: reports that cannot be sent wait, up to 2048 of them', async () => {
  const sent: AgentConnectionReport[] = []
  let failing = true
  const reports = new ConnectionReports(
    {
      connections: async ({ connections }) => {
        if (failing) throw new Error('the control plane is away')
        sent.push(...connections)
      },
    },
    silentLogger(),
  )
  for (let n = 0; n < 1_500; n += 1) reports.begin('ssh')()
  failing = false
  await until('all that were kept', () => sent.length === 2_048)
  await reports[Symbol.asyncDispose]()
  expect(sent).toHaveLength(2_048)
})
