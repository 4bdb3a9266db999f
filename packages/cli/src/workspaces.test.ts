import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { listBuildParameters, listOrganizations } from '@slipway/contract'
import {
  fixtures,
  freePort,
  importTemplate,
  openDatabase,
  startTestServer,
  type TestServer,
  until,
} from '@slipway/testkit'
import { BIN, CommandLine } from './testing/command-line.ts'
import { RunningCommand } from './testing/running-command.fixture.ts'

const SOURCE = `import { defineTemplate, local } from '@slipway/template'
export default defineTemplate({
  parameters: {
    color: { type: 'string', mutable: true, options: [{ name: 'Red', value: 'red' }, { name: 'Blue', value: 'blue' }] },
    size: { type: 'number', default: 1, mutable: true, validation: { min: 1, max: 9 } },
    tools: { type: 'list(string)', default: [], mutable: true },
  },
  presets: [{ name: 'Large', parameters: { size: 9, color: 'blue' } }],
  workspace: ({ parameters }) => ({
    runtime: local(),
    agents: [{
      name: 'main',
      env: { COLOR: parameters.color, SIZE: String(parameters.size), TOOLS: parameters.tools.join('+') },
      startupScript: 'echo painted $COLOR',
    }],
  }),
})`

let server: TestServer
let owner: Client
let folder: string
let cli: CommandLine

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-cli-'))
  cli = new CommandLine(folder)
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
  await server.builtInTemplate()
  await importTemplate(owner, 'example', { 'template.ts': SOURCE })
  await cli.good('login', server.url, '--token', token())
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const token = () => owner.headers['Coder-Session-Token'] ?? ''

describe('workspaces', () => {
  it('create wants its parameters, by flag or file', async () => {
    expect(await cli.bad('create', 'dev')).toContain('name a template with --template')
    const create = ['create', 'dev', '-t', 'example', '-y']
    expect(await cli.bad(...create)).toContain('--parameter color=… is required')
    expect(await cli.bad(...create, '--parameter', 'nope=1')).toContain('it has color, size, tools')
    expect(await cli.bad(...create, '--parameter', 'color')).toContain('must be name=value')
    expect(await cli.bad(...create, '--parameter', 'color=green')).toMatch(/not one of the options/)
    expect(await cli.bad(...create, '--rich-parameter-file', 'none.yaml')).toContain('cannot be read')
    await writeFile(path.join(folder, 'values.yaml'), 'color: red\nsize: 3\ntools: [go, rust]\n')
    const made = await cli.run(
      ...[
        'create',
        '--parameter',
        'size=4',
        '--rich-parameter-file',
        'values.yaml',
        '-t',
        'example',
        '-y',
        'dev',
      ],
    )
    expect(made).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('The dev workspace has been created!'),
    })
    expect(made.stderr).toContain('==> Starting workspace')
    expect(await cli.good('ssh', 'dev', 'echo $COLOR $SIZE $TOOLS')).toBe('red 4 go+rust\n')
  })

  it('OP-186: ssh ends with the code of the command', async () => {
    const ended = await cli.run('ssh', 'dev', 'echo oops >&2; exit 7')
    expect(ended).toMatchObject({ code: 7, stdout: '', stderr: expect.stringMatching(/oops\n$/) })
    expect(await cli.good('ssh', '-e', 'A=1', '-e', 'B=2', 'dev', 'echo $A$B')).toBe('12\n')
    expect(await cli.good('ssh', 'dev', '--', 'echo', 'dashed')).toBe('dashed\n')
    expect(await cli.bad('ssh', 'dev.other', 'true')).toContain('dev has no agent other: it has main')
  })

  it('OP-§17.2: ssh takes a terminal, a log, and ports of this machine', async () => {
    expect(await cli.good('ssh', '-t', 'dev', 'test -t 1 && echo yes')).toBe('yes\r\n')
    const logs = path.join(folder, 'logs')
    await cli.good('ssh', '-l', logs, '--no-wait', 'dev', 'true')
    const [log = ''] = await readdir(logs)
    expect(log).toMatch(/^coder-ssh-\d{8}-\d{6}-\w+\.log$/)
    expect(await readFile(path.join(logs, log), 'utf8')).toMatch(/Connected to agent main[\s\S]*Ended with 0/)
    const hello = createServer((socket) => socket.end('from here')).listen(0, '127.0.0.1')
    await once(hello, 'listening')
    const address = hello.address()
    const remote = await freePort()
    const forward = `${remote}:127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    try {
      const read = `exec 3<>/dev/tcp/127.0.0.1/${remote} && cat <&3`
      expect(
        await cli.good(
          'ssh',
          '-R',
          forward,
          'dev',
          `bash -c 'until (${read}) 2>/dev/null; do sleep 0.1; done'`,
        ),
      ).toBe('from here')
    } finally {
      hello.close()
    }
    expect(await cli.bad('ssh', '-R', '80', 'dev')).toContain('must be remote_port:local_address:local_port')
    expect(await cli.bad('ssh', '-G', 'dev')).toContain('GPG agents are not forwarded')
    expect(await cli.bad('ssh', '--wait', 'maybe', 'dev')).toContain('--wait must be yes, no or auto')
  })

  it('AC-244: ssh tells editors how good the connection is', async () => {
    const info = path.join(folder, 'info')
    await cli.good('ssh', '--network-info-dir', info, 'dev', 'sleep 0.5')
    const file = path.join(info, `${process.pid}.json`)
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({
      p2p: false,
      latency: expect.any(Number),
      derp_latency: { Slipway: expect.any(Number) },
      using_coder_connect: false,
    })
  })

  it('open prints the address of an editor or an app', async () => {
    const plain = new URL(await cli.good('open', 'vscode', 'dev', '/src', '--no-open'))
    expect(plain.searchParams.get('folder')).toBe('/src')
    expect(plain.searchParams.get('token')).toBeNull()
    const keyed = new URL(await cli.good('open', 'vscode', 'dev', '--generate-token', '--no-open'))
    expect(await cli.good('whoami', '--token', keyed.searchParams.get('token') ?? '')).toContain('owner')
    expect(await cli.bad('open', 'app', 'dev', 'x', '--no-open')).toContain('dev has no apps')
    expect(await cli.bad('open', 'app', 'dev', '--region', 'mars')).toContain('the only one is primary')
  })

  it('list and show speak table and JSON', async () => {
    expect(await cli.good('list', '-c', 'workspace,template,status')).toMatch(
      /^WORKSPACE\s+TEMPLATE\s+STATUS\nowner\/dev\s+example\s+running\n$/,
    )
    expect(JSON.parse(await cli.good('list', '-o', 'json'))).toMatchObject([
      { name: 'dev', owner_name: 'owner' },
    ])
    expect(JSON.parse(await cli.good('list', '--search', 'name:none', '-o', 'json'))).toEqual([])
    expect(await cli.good('show', 'owner/dev')).toMatch(/AGENT\s+STATUS[\s\S]*main\s+connected/)
    expect(JSON.parse(await cli.good('show', 'dev', '-o', 'json'))).toMatchObject({ name: 'dev' })
    expect(await cli.bad('show', 'none')).toContain('not found')
    expect(await cli.good('show', 'dev', '--details')).toMatch(/SYSTEM[\s\S]*linux\/[\s\S]*RESOURCE/)
    expect(await cli.good('list', '-c', 'Organization Name,favorite,daily cost')).toMatch(
      /^ORGANIZATION NAME\s+FAVORITE\s+DAILY COST\ncoder\s+false\s+0\n$/,
    )
  })

  it('logs show the build and the agent', async () => {
    const said = await until('the log of the agent', async () => {
      const text = await cli.good('logs', 'dev')
      return text.includes('[agent.main] painted red') ? text : undefined
    })
    expect(said).toContain('[provisioner|Starting workspace] Agent main runs')
    expect(await cli.good('logs', 'dev', '-n', '1')).toBe(said)
    expect(await cli.bad('logs', 'dev', '-n', '-1')).toContain('dev has builds 1 to 1: there is no build -1')
    expect(await cli.bad('logs', 'dev', '-n', 'x')).toContain('--build-number must be a whole number')
  })

  it('ping measures', async () => {
    expect(await cli.good('ping', 'dev', '-n', '2', '--wait', '10ms')).toMatch(
      /(pong from dev .* ms\n){2}min /,
    )
    expect(await cli.good('ping', 'dev', '-n', '1', '--utc')).toMatch(/^\d{4}-\S+Z pong from dev /)
    expect(await cli.good('ping', 'dev', '-n', '1', '--time')).toMatch(/^\d{4}-\S+ [\d:.]+ pong from dev /)
    expect(await cli.bad('ping', 'dev', '-n', 'x')).toContain('--num must be a whole number')
  })

  it('AC-241: config-ssh --dry-run shows the section and changes nothing; otherwise it is written once', async () => {
    const file = path.join(folder, 'ssh-config')
    await writeFile(file, 'Host mine\n  User me\n')
    const shown = await cli.good(
      'config-ssh',
      '--dry-run',
      '--ssh-config-file',
      file,
      '-o',
      'ServerAliveInterval=5',
    )
    expect(shown).toMatch(
      /^# -+START-CODER-+\n[\s\S]*Host coder\.\*\n[\s\S]*ProxyCommand .* ssh --stdio --ssh-host-prefix coder\. %h/,
    )
    expect(shown).toContain('ServerAliveInterval=5')
    expect(await readFile(file, 'utf8')).toBe('Host mine\n  User me\n')
    expect(await cli.bad('config-ssh', '--ssh-config-file', file)).toContain('add --yes')
    await cli.good('config-ssh', '--ssh-config-file', file, '-y')
    expect(await cli.good('config-ssh', '--ssh-config-file', file)).toContain('is up to date')
    const written = await readFile(file, 'utf8')
    expect(written.startsWith('Host mine\n  User me\n')).toBe(true)
    expect(written.match(/START-CODER/g)).toHaveLength(1)
    const other = ['--ssh-config-file', file, '-y', '--wait', 'no', '--coder-binary-path', '/opt/slipway']
    await cli.good('config-ssh', ...other, '-o', 'Compression=yes', '--no-wildcard')
    const named = await readFile(file, 'utf8')
    expect(named).toContain('Host coder.dev\n')
    expect(named).toContain(
      `ProxyCommand /opt/slipway --global-config ${folder}/config ssh --stdio --wait no --ssh-host-prefix coder. %h`,
    )
    await cli.good('config-ssh', '--ssh-config-file', file, '-y', '--use-previous-options')
    expect(await readFile(file, 'utf8')).toMatch(/Compression=yes\n[\s\S]* --wait no /)
    expect(await cli.bad('config-ssh', '--ssh-config-file', file, '--wait', 'maybe')).toContain(
      '--wait must be yes, no or auto',
    )
  })

  it('AC-241: config-ssh keeps a link a link, and what it cannot read as it is', async () => {
    const [file, link] = [path.join(folder, 'elsewhere'), path.join(folder, 'link')]
    await writeFile(file, 'Host mine\n')
    await symlink(file, link)
    await cli.good('config-ssh', '--ssh-config-file', 'link', '-y')
    expect((await lstat(link)).isSymbolicLink()).toBe(true)
    expect(await readFile(file, 'utf8')).toMatch(/^Host mine\n# -+START-CODER/)
    await mkdir(path.join(folder, 'no-file'))
    expect(await cli.bad('config-ssh', '--ssh-config-file', 'no-file', '-y')).toContain('cannot be read')
    await writeFile(file, (await readFile(file, 'utf8')).replace(/# -+END-CODER-+\n/, 'Host after\n'))
    expect(await cli.bad('config-ssh', '--ssh-config-file', file, '-y')).toContain('repair it by hand')
    expect(await readFile(file, 'utf8')).toContain('Host after')
  })

  it('port-forward carries bytes until it is told to end', async () => {
    const echo = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
    await once(echo, 'listening')
    const address = echo.address()
    const [local, remote] = [await freePort(), typeof address === 'object' ? (address?.port ?? 0) : 0]
    const child = spawn(process.execPath, [BIN, 'port-forward', 'dev', '-p', `${local}:${remote}`], {
      env: cli.environment,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    try {
      await saying(child, 'Ready!')
      const socket = connect(local, '127.0.0.1')
      socket.write('hello')
      expect(String((await once(socket, 'data'))[0])).toBe('hello')
      socket.destroy()
      child.kill('SIGTERM')
      expect((await once(child, 'exit'))[0]).toBe(0)
    } finally {
      child.kill('SIGKILL')
      echo.close()
    }
    expect(await cli.bad('port-forward', 'dev')).toContain('--tcp')
    expect(await cli.bad('port-forward', 'dev', '-p', '0')).toContain('is no [host:]local[:remote]')
    expect(await cli.bad('port-forward', 'dev', '--udp', '53')).toContain('UDP')
  })

  it('stop, start, restart and delete follow their builds', async () => {
    expect(await cli.bad('restart', 'dev')).toContain('add --yes')
    expect(await cli.good('restart', 'dev', '-y', '--parameter', 'size=5')).toContain('has been started')
    expect(await cli.good('ssh', 'dev', 'echo $SIZE')).toBe('5\n')
    expect(await cli.bad('stop', 'dev')).toContain('add --yes')
    expect(await cli.good('stop', 'dev', '-y')).toContain('has been stopped')
    expect(await cli.good('logs', '-f', 'dev')).toBe(await cli.good('logs', 'dev'))
    expect(await cli.bad('ssh', '--disable-autostart', 'dev', 'true')).toContain(
      'start it with `slipway start dev`',
    )
    expect(await cli.bad('start', 'dev', '--parameter', 'size=99')).toContain('maximum 9')
    expect(await cli.bad('start', 'dev', '--parameter', 'nope=1')).toContain('it has color, size, tools')
    expect(await cli.bad('start', 'dev', '--always-prompt')).toContain('--parameter color=… is required')
    expect(await cli.good('start', 'dev', '--no-wait')).toContain('has been started')
    await until('the start', async () => (await cli.good('list')).includes('running'))
    expect(await cli.good('start', 'dev')).toContain('is already running')
    expect(await cli.good('update', 'dev')).toContain('is up to date')
    const coated = path.join(folder, 'coated')
    await mkdir(coated)
    await writeFile(path.join(coated, 'template.ts'), SOURCE.replace('painted', 'coated'))
    await cli.good('templates', 'push', 'example', '-d', coated, '-y')
    expect(await cli.good('update', 'dev')).toContain('has been updated')
    expect(JSON.parse(await cli.good('show', 'dev', '-o', 'json'))).toMatchObject({ outdated: false })
    expect(await cli.good('stop', 'dev', '-y')).toContain('has been stopped')
    expect(await cli.bad('delete', 'dev')).toContain('add --yes')
    expect(await cli.good('delete', 'dev', '-y')).toContain('has been deleted')
    expect(await cli.bad('show', 'dev')).toContain('not found')
  })

  it('OP-§17.2: create sets when it starts and stops, and copies values of another workspace', async () => {
    const create = ['create', 'timed', '-t', 'example', '-y', '--no-wait']
    expect(await cli.bad(...create, '--start-at', 'noon')).toContain('--start-at must be such as')
    expect(await cli.bad(...create, '--stop-after', '8')).toContain('--stop-after must be a time')
    expect(await cli.bad(...create, '--automatic-updates', 'often')).toContain('must be always or never')
    const timing = ['--start-at', '9:30AM Mon-Fri UTC', '--stop-after', '8h', '--automatic-updates', 'always']
    await cli.good(...create, ...timing, '--parameter', 'color=blue', '--parameter', 'size=7')
    await cli.good('create', 'twin', '--copy-parameters-from', 'timed', '--parameter', 'size=2', '--no-wait')
    expect(JSON.parse(await cli.good('show', 'timed', '-o', 'json'))).toMatchObject({
      autostart_schedule: 'CRON_TZ=UTC 30 9 * * 1-5',
      ttl_ms: 28_800_000,
      automatic_updates: 'always',
    })
    expect(await cli.good('list', '-c', 'workspace,starts at,stops after')).toMatch(
      /owner\/timed\s+CRON_TZ=UTC 30 9 \* \* 1-5\s+8h\n/,
    )
    const twin = JSON.parse(await cli.good('show', 'twin', '-o', 'json'))
    const values = await owner.call(listBuildParameters, {
      params: { workspacebuild: String(twin.latest_build.id) },
    })
    expect(values).toEqual(
      expect.arrayContaining([
        { name: 'color', value: 'blue' },
        { name: 'size', value: '2' },
      ]),
    )
    for (const name of ['timed', 'twin']) {
      await until(`${name} runs`, async () => (await cli.good('show', name)).includes('running'))
      await cli.good('delete', name, '-y')
    }
  })

  it('create takes a preset or another version, and need not wait', async () => {
    expect(await cli.bad('create', 'big', '-t', 'example', '--preset', 'Huge')).toContain('it has Large')
    await cli.good('create', 'big', '-t', 'example', '--preset', 'Large', '--no-wait')
    expect(await cli.bad('create', 'old', '-t', 'example', '--template-version', 'v9')).toContain('not found')
    const versions = JSON.parse(await cli.good('templates', 'versions', 'list', 'example', '-o', 'json'))
    const versionName = String(versions[0].name)
    await cli.good(
      'create',
      'old',
      '-t',
      'example',
      '--template-version',
      versionName,
      '--parameter',
      'color=red',
      '--no-wait',
    )
    const listed = JSON.parse(await cli.good('list', '-o', 'json'))
    expect(listed.map((one: { name: string }) => one.name).sort()).toEqual(['big', 'old'])
  })

  it('L-12: a build that nobody takes on is canceled, by Ctrl+C of who waits for it or from elsewhere', async () => {
    await using database = await openDatabase(server.databaseUrl)
    const tags = JSON.stringify({ scope: 'organization', owner: '', held: 'yes' })
    const [{ id: organization_id = '' } = {}] = await owner.call(listOrganizations)
    await fixtures.provisionerDaemon(database.db, { tags, organization_id })
    await sql`update provisioner_jobs set tags = ${tags} where type = 'template_version_import'`.execute(
      database.db,
    )
    for (const cancel of [
      async (waiting: RunningCommand) => waiting.signal('SIGINT'),
      async () => expect(await cli.good('cancel', 'big')).toBe('The build of big has been canceled.\n'),
    ]) {
      await using waiting = RunningCommand.start(cli, 'stop', 'big', '-y')
      await waiting.says('Waiting for a provisioner')
      await cancel(waiting)
      expect(await waiting.ended()).toBe(1)
      expect(waiting.stderr).toContain('error: the build was canceled')
    }
    expect(await cli.bad('cancel', 'big')).toContain('no build of big is under way: its last one is canceled')
  })

  it('L-52: favorites come first, and lists are sorted by last use on demand', async () => {
    const listed = async (...args: string[]): Promise<string[]> =>
      JSON.parse(await cli.good('list', '-o', 'json', ...args)).map((one: { name: string }) => one.name)
    await using database = await openDatabase(server.databaseUrl)
    const use = (name: string, ago: string) =>
      sql`update workspaces set last_used_at = now() - ${ago}::interval where name = ${name}`.execute(
        database.db,
      )
    expect(await cli.good('favorite', 'old')).toBe('old comes first in lists now.\n')
    await use('old', '3 days')
    await use('big', '2 hours')
    expect(await listed()).toEqual(['old', 'big'])
    expect(await listed('--sort', 'last-used')).toEqual(['big', 'old'])
    expect(await cli.good('list', '-c', 'workspace,favorite,last used')).toMatch(
      /owner\/old\s+true\s+3d ago\nowner\/big\s+false\s+2h ago/,
    )
    await cli.good('unfavorite', 'old')
    expect(await cli.good('list', '-c', 'favorite')).not.toContain('true')
    expect(await cli.bad('list', '--sort', 'size')).toContain('--sort must be name or last-used, not "size"')
    expect(await cli.bad('favorite', 'none')).toContain('not found')
  })
})

async function saying(child: ChildProcess, text: string): Promise<void> {
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  await until(`the command to say ${text}`, () => said.includes(text))
}
