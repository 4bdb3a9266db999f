import { randomUUID } from 'node:crypto'
import {
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import path from 'node:path'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'

import ssh2 from 'ssh2'
import { expect, it } from 'vitest'

import type { AgentManifest } from '@slipway/contract'
import { until } from '@slipway/testkit'
import { type ConnectedAgent, connectAgent } from './testing/stand-in.ts'

function script(more: Partial<AgentManifest['scripts'][number]>): AgentManifest['scripts'][number] {
  return {
    id: '6b0c7b0e-4a25-4d0c-9a53-0c3f1b0a3c11',
    log_source_id: '6b0c7b0e-4a25-4d0c-9a53-0c3f1b0a3c12',
    log_path: '',
    display_name: 'Script',
    script: 'true',
    cron: '',
    start_blocks_login: false,
    run_on_start: false,
    run_on_stop: false,
    timeout: 0,
    ...more,
  }
}

function states(agent: ConnectedAgent): string[] {
  return agent.reports.flatMap(({ name, body }) =>
    name === 'lifecycle' && typeof body === 'object' && body !== null && 'state' in body
      ? [String(body.state)]
      : [],
  )
}

it('AC-138: an agent whose tunnel breaks comes back by itself', async () => {
  await using agent = await connectAgent()
  agent.tunnel()[Symbol.dispose]()
  await until('the second connection', () => agent.connections === 2)
  expect((await agent.ask('GET', '/')).text).toBe('Hello from the agent!')
})

it('L-26, AC-245: speed is measured in both directions, and what was sent is counted where it arrives', async () => {
  await using agent = await connectAgent()
  const up = await agent.tunnel().connect('speed-up:3')
  up.end(Buffer.alloc(1_234_567))
  expect(await text(up)).toBe('1234567')
  const down = await agent.tunnel().connect('speed-down:3')
  let came = 0
  for await (const chunk of down) {
    came += Buffer.from(chunk).length
    if (came > 4_000_000) break
  }
  expect((await agent.ask('GET', '/')).status).toBe(200)
})

it('AC-30: every state is reported, once and in order, also those that could not be sent at first', async () => {
  await using agent = await connectAgent()
  await until('ready', () => states(agent).includes('ready'))
  agent.answerWith(500)
  const stopped = agent.stop()
  await until('a failed report', () => states(agent).filter((state) => state === 'shutting_down').length > 1)
  agent.answerWith(200)
  await stopped
  const order = states(agent).filter((state, i, all) => state !== all[i - 1])
  expect(order).toEqual(['starting', 'ready', 'shutting_down', 'off'])
})

it('AC-117: a start script that still runs when the workspace stops is ended, and stop scripts run', async () => {
  const finished = script({ run_on_stop: true, script: 'echo done > "$HOME/stopped"' })
  await using agent = await connectAgent({
    scripts: [script({ run_on_start: true, script: 'touch "$HOME/started"; sleep 600' }), finished],
  })
  await until('the start script', () => readFile(path.join(agent.home, 'started')).catch(() => undefined))
  await agent.stop()
  expect(await readFile(path.join(agent.home, 'stopped'), 'utf8')).toBe('done\n')
  expect(states(agent)).toEqual(['starting', 'shutting_down', 'off'])
})

it('L-S4: what somebody else has put in the place of the agent’s own folder is left alone', async () => {
  const ids = { linked: randomUUID(), foreign: randomUUID(), own: randomUUID() }
  const placeOf = (name: keyof typeof ids): string => path.join(tmpdir(), `slipway-${ids[name]}`)
  const theirs = await mkdtemp(path.join(tmpdir(), 'slipway-theirs-'))
  await symlink(theirs, placeOf('linked'))
  // One that an earlier run has left.
  for (const name of ['foreign', 'own'] as const) await mkdir(placeOf(name), { mode: 0o755 })
  const isRoot = process.getuid?.() === 0
  if (isRoot) await chown(placeOf('foreign'), 65_534, 65_534)
  const shown = script({ run_on_start: true, script: 'echo "$PATH" > "$HOME/path"' })
  try {
    for (const name of ['linked', 'foreign', 'own'] as const) {
      await using agent = await connectAgent({ agent_id: ids[name], scripts: [shown] })
      await until('ready', () => states(agent).includes('ready'))
      const first = (await readFile(path.join(agent.home, 'path'), 'utf8')).split(':')[0] ?? ''
      const folder = first.slice(0, first.indexOf('/', tmpdir().length + 1))
      expect(folder === placeOf(name), name).toBe(name === 'own' || (name === 'foreign' && !isRoot))
      expect((await stat(folder)).mode & 0o777, name).toBe(0o700)
    }
    expect(await readdir(theirs)).toEqual([])
    expect(await readlink(placeOf('linked'))).toBe(theirs)
    await expect(stat(placeOf('own'))).rejects.toMatchObject({ code: 'ENOENT' })
  } finally {
    for (const left of [theirs, placeOf('linked'), placeOf('foreign'), placeOf('own')])
      await rm(left, { recursive: true, force: true })
  }
})

it('AC-117: a script with `#!` runs under that interpreter, with folders of its own, and output is kept', async () => {
  await using agent = await connectAgent({
    scripts: [
      script({
        run_on_start: true,
        log_path: 'logs/perl.log',
        script: '#!/usr/bin/perl -w\nprint "$ENV{CODER_SCRIPT_DATA_DIR} $ENV{CODER_SCRIPT_BIN_DIR}\\n";',
      }),
    ],
  })
  const report = await until('the log', () => agent.reports.find(({ name }) => name === 'logs'))
  expect(report.body).toMatchObject({
    logs: [{ level: 'info', output: expect.stringMatching(/^\/\S+\/scripts\/\S+ \/\S+\/bin$/) }],
  })
})

it('AC-117: pipes that a script leaves open do not hold up the start for ever', async () => {
  await using agent = await connectAgent({
    scripts: [script({ run_on_start: true, script: 'sleep 600 & echo $! > "$HOME/pid"' })],
  })
  const report = await until('the end', () => agent.reports.find(({ name }) => name === 'script-completed'))
  expect(report.body).toMatchObject({ status: 'pipes_left_open', exit_code: 0, stage: 'start' })
  await until('ready', () => states(agent).includes('ready'))
  process.kill(Number(await readFile(path.join(agent.home, 'pid'), 'utf8')))
})

async function connectSsh(
  agent: ConnectedAgent,
  config: ssh2.ConnectConfig = {},
  client = new ssh2.Client(),
): Promise<ssh2.Client> {
  const sock: Duplex = await agent.tunnel().connect('ssh:22')
  await new Promise<void>((resolve, reject) => {
    client.on('ready', resolve).on('error', reject)
    client.connect({ sock, username: 'anybody', ...config })
  })
  return client
}

function exec(client: ssh2.Client, command: string, options: ssh2.ExecOptions = {}) {
  return new Promise<ssh2.ClientChannel>((resolve, reject) =>
    client.exec(command, options, (error, channel) =>
      error === undefined ? resolve(channel) : reject(error),
    ),
  )
}

function ended(channel: ssh2.ClientChannel): Promise<unknown[]> {
  return new Promise((resolve) => channel.on('exit', (...how: unknown[]) => resolve(how)))
}

it.each([
  ['without', false],
  ['with', true],
] as const)(
  'AC-110: signals of the client reach a command %s a terminal, and its end says so',
  async (_, pty) => {
    await using agent = await connectAgent()
    const client = await connectSsh(agent)
    const channel = await exec(client, 'echo started; exec sleep 600', pty ? { pty: true } : {})
    const over = ended(channel)
    await new Promise((resolve) => channel.once('data', resolve))
    channel.signal('TERM')
    expect((await over).slice(0, 2)).toEqual([null, 'SIGTERM'])
    client.end()
  },
)

it('AC-110: a terminal carries megabytes in order and to the last byte', async () => {
  await using agent = await connectAgent()
  const client = await connectSsh(agent)
  const channel = await exec(client, 'seq 1 400000', { pty: true })
  const output = await text(channel)
  expect(output.trimEnd().split('\r\n')).toEqual(Array.from({ length: 400_000 }, (_, i) => String(i + 1)))
  client.end()
})

it('AC-110: bytes that are no text pass a raw terminal unchanged', async () => {
  await using agent = await connectAgent()
  const client = await connectSsh(agent)
  const channel = await exec(client, 'stty raw -echo; echo ready; head -c 4 | od -An -tx1', { pty: true })
  await new Promise((resolve) => channel.once('data', resolve))
  channel.write(Buffer.from([0xff, 0x00, 0xc3, 0x28]))
  expect((await text(channel)).trim()).toBe('ff 00 c3 28')
  client.end()
})

it('AC-110: ciphers that are fast here are agreed on, whatever the client would rather have', async () => {
  await using agent = await connectAgent()
  const client = new ssh2.Client()
  const agreed = new Promise<string>((resolve) =>
    client.once('handshake', (negotiated) => resolve(negotiated.cs.cipher)),
  )
  await connectSsh(
    agent,
    {
      algorithms: { cipher: ['chacha20-poly1305@openssh.com', 'aes256-ctr', 'aes256-gcm@openssh.com'] },
    },
    client,
  )
  expect(await agreed).toBe('aes256-ctr')
  client.end()
})

it('AC-110: SFTP makes links, and sets size, time and mode of a file together', async () => {
  await using agent = await connectAgent()
  const client = await connectSsh(agent)
  const sftp = await promisify(client.sftp.bind(client))()
  await promisify(sftp.symlink.bind(sftp))('target', 'link')
  expect(await readlink(path.join(agent.home, 'link'))).toBe('target')
  await writeFile(path.join(agent.home, 'target'), '0123456789')
  const wanted = { size: 4, mode: 0o400, atime: 1_000_000, mtime: 1_000_000 }
  await new Promise<void>((resolve, reject) =>
    sftp.setstat('link', wanted, (error) => (error ? reject(error) : resolve())),
  )
  const found = await stat(path.join(agent.home, 'target'))
  expect([found.size, found.mode & 0o777, found.mtimeMs]).toEqual([4, 0o400, 1_000_000_000])
  client.end()
})

it('AC-110: the socket for the keys of a client outlives its session and goes with the connection', async () => {
  await using agent = await connectAgent()
  const client = await connectSsh(agent, { agent: '/nowhere', agentForward: true })
  const socket = (await text(await exec(client, 'echo $SSH_AUTH_SOCK'))).trim()
  expect((await stat(socket)).isSocket()).toBe(true)
  client.end()
  await until('its end', () =>
    stat(socket).then(
      () => false,
      () => true,
    ),
  )
})

it('AC-119: SSH sessions are closed before stop scripts run', async () => {
  await using agent = await connectAgent({
    scripts: [
      script({
        run_on_stop: true,
        script: 'for _ in $(seq 200); do [ -e "$HOME/hung-up" ] && exit 0; sleep 0.02; done; exit 1',
      }),
    ],
  })
  await until('ready', () => states(agent).includes('ready'))
  const client = await connectSsh(agent)
  const channel = await exec(
    client,
    'trap \'touch "$HOME/hung-up"; exit\' HUP; echo started; while :; do sleep 0.05; done',
  )
  await new Promise((resolve) => channel.once('data', resolve))
  const closed = new Promise<void>((resolve) => client.on('close', () => resolve()))
  await agent.stop()
  await closed
  expect(states(agent).at(-1)).toBe('off')
})

it('AC-110: a client whose connection breaks has its commands hung up', async () => {
  await using agent = await connectAgent()
  const client = await connectSsh(agent)
  client.on('error', () => undefined)
  const channel = await exec(
    client,
    'trap \'touch "$HOME/hung-up"; exit\' HUP; echo started; while :; do sleep 0.05; done',
  )
  await new Promise((resolve) => channel.once('data', resolve))
  agent.tunnel()[Symbol.dispose]()
  await until('the hang-up', () => readFile(path.join(agent.home, 'hung-up')).catch(() => undefined))
})

it('AC-121: a viewer that stops reading and is lost does not hold its terminal up', async () => {
  await using agent = await connectAgent()
  const request = { id: '0d0c6a3e-95a5-4d7b-8f0e-8f6a5b0e5a11', width: 80, height: 24, command: 'yes' }
  const headers = { 'x-slipway-pty': Buffer.from(JSON.stringify(request)).toString('base64url') }
  const lost = await agent.tunnel().connect('pty:0', headers)
  lost.on('error', () => undefined)
  await new Promise((resolve) => lost.once('readable', resolve))
  agent.tunnel()[Symbol.dispose]()
  await until('the second connection', () => agent.connections === 2)
  const second = await agent.tunnel().connect('pty:0', headers)
  let seen = 0
  second.on('data', (chunk: Buffer) => {
    seen += chunk.length
  })
  // More than the scrollback, so it still runs.
  await until('new output', () => seen > 1024 * 1024)
  second.destroy()
})

it('AC-111: a command that the system cannot start ends with 229, and the connection goes on', async () => {
  await using agent = await connectAgent()
  const client = await connectSsh(agent)
  const channel = await exec(client, 'echo a\0b')
  const code = new Promise((resolve) => channel.once('close', resolve))
  channel.resume()
  expect(await code).toBe(229)
  expect(await text(await exec(client, 'echo still here'))).toBe('still here\n')
  client.end()
})

it('AC-110: what a command has left in the background outlives its connection', async () => {
  await using agent = await connectAgent()
  const client = await connectSsh(agent)
  const left = 'trap "echo ended > hung-up" HUP; while [ ! -e stop ]; do sleep 0.02; done; echo kept > kept'
  const channel = await exec(client, `cd; (${left}) > /dev/null 2>&1 < /dev/null & echo started`)
  expect(await text(channel)).toBe('started\n')
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
  client.end()
  await closed
  const next = await connectSsh(agent)
  await text(await exec(next, 'cd; touch stop'))
  await until('its end', () => readFile(path.join(agent.home, 'kept')).catch(() => undefined))
  await expect(readFile(path.join(agent.home, 'hung-up'))).rejects.toThrow('ENOENT')
  next.end()
})

it('AC-110: a forwarding to no port at all is refused, and the connection goes on', async () => {
  await using agent = await connectAgent()
  const client = await connectSsh(agent)
  await expect(
    new Promise((resolve, reject) =>
      client.forwardOut('127.0.0.1', 1, '127.0.0.1', 70_000, (error, stream) =>
        error === undefined ? resolve(stream) : reject(error),
      ),
    ),
  ).rejects.toThrow()
  expect(await text(await exec(client, 'echo still here'))).toBe('still here\n')
  client.end()
})

it('AC-117: a script that cannot even be started has failed, and the agent goes on', async () => {
  await using agent = await connectAgent({
    scripts: [script({ run_on_start: true, log_path: '/dev/null/script.log' })],
  })
  await until('the end of the start', () => states(agent).includes('start_error'))
  const client = await connectSsh(agent)
  expect(await text(await exec(client, 'echo still here'))).toBe('still here\n')
  client.end()
  const sent = await until('its line', () =>
    agent.reports.find(
      ({ name, body }) => name === 'logs' && JSON.stringify(body).includes('could not be run'),
    ),
  )
  expect(sent.name).toBe('logs')
})

it('AC-111: a script with `#!` runs under that interpreter', async () => {
  await using agent = await connectAgent()
  const client = await connectSsh(agent)
  for (const first of ['#!/usr/bin/env bash', '#!/bin/bash', '#! bash -e'])
    expect(await text(await exec(client, `${first}\necho "$BASH_VERSION" $((6*7))`)), first).toMatch(
      /^\d.* 42\n$/,
    )
  expect(await text(await exec(client, '#!/bin/dash\necho "<$BASH_VERSION>"'))).toBe('<>\n')
  client.end()
})

it('AC-112, AC-121: a terminal knows its user, and shows UTF-8 whatever the locale', async () => {
  await using agent = await connectAgent()
  const request = {
    id: '0d0c6a3e-95a5-4d7b-8f0e-8f6a5b0e5a12',
    width: 80,
    height: 24,
    command: 'echo "<$USER $LOGNAME $LC_CTYPE>"; sleep 1',
  }
  const headers = { 'x-slipway-pty': Buffer.from(JSON.stringify(request)).toString('base64url') }
  const stream = await agent.tunnel().connect('pty:0', headers)
  const user = userInfo().username
  expect(await text(stream)).toContain(`<${user} ${user} C.UTF-8>`)
})
