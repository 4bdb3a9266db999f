import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { createToken } from '@slipway/contract'
import { freePort, PASSWORD, startTestServer, type TestServer } from '@slipway/testkit'
import { CommandLine } from './testing/command-line.ts'

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
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const token = () => owner.headers['Coder-Session-Token'] ?? ''

describe('signing in', () => {
  it('OP-183: without a session every command says how to get one', async () => {
    expect(await cli.bad('whoami')).toBe(
      "error: You are not logged in. Try logging in using 'slipway login <url>'.\n",
    )
  })

  it('OP-186: a server that cannot be reached is named', async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    const said = await cli.bad('list', '--url', url, '--token', 'abc')
    expect(said).toContain(`cannot reach ${url}`)
    expect(said).toContain('is the server running?')
    expect(await cli.bad('login', url, '--token', 'abc')).toContain(`cannot reach ${url}`)
  })

  it('OP-186: a wrong token is told from a server in trouble', async () => {
    const said = await cli.bad('list', '--url', server.url, '--token', 'aaaaaaaaaa-bbbbbbbbbbbbbbbbbbbbbb')
    expect(said).toContain('Sign in with `slipway login`.')
    expect(await cli.bad('login', server.url, '--token', 'nonsense')).toContain('error: ')
    await expect(stat(path.join(folder, 'config', 'session'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('OP-182: a token becomes a session of its own, in files that only the user reads', async () => {
    expect(await cli.good('login', server.url.replace('http://', ''), '--token', token())).toContain(
      'Welcome, owner',
    )
    const config = path.join(folder, 'config')
    const session = await readFile(path.join(config, 'session'), 'utf8')
    expect(session).not.toBe(token())
    expect((await stat(path.join(config, 'session'))).mode & 0o777).toBe(0o600)
    expect(await readFile(path.join(config, 'url'), 'utf8')).toBe(server.url)
    expect((await cli.good('login', 'token')).trim()).toBe(session)
  })

  it('OP-183: the session of one server is never sent to another', async () => {
    let asked = 0
    const other = createServer((_request, response) => {
      asked += 1
      response.end('{}')
    }).listen(0, '127.0.0.1')
    await once(other, 'listening')
    const address = other.address()
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    try {
      expect(await cli.bad('list', '--url', url)).toContain(`the session here is one of ${server.url}`)
      expect(asked).toBe(0)
    } finally {
      other.close()
    }
  })

  it('OP-§17.2: login token refuses a session of another server', async () => {
    expect(await cli.bad('login', 'token', '--url', 'https://other.example')).toContain(
      `the session is one of ${server.url}`,
    )
    expect(await cli.bad('login', 'token', '--global-config', `${folder}/none`)).toContain('no session')
  })

  it('OP-§17.2: login wants a variable unset that would win over it, and names the page for a token', async () => {
    const withVariable = await cli.runWith({ CODER_SESSION_TOKEN: 'x' }, 'login', server.url)
    expect(withVariable).toMatchObject({ code: 1, stderr: expect.stringContaining('unset it') })
    expect(await cli.bad('login', server.url)).toContain(`--token, with a token of ${server.url}/cli-auth`)
  })

  it('OP-181: headers come from flags and from a program, on every request', async () => {
    const seen: (readonly (string | undefined)[])[] = []
    const proxy = createServer((request, response) => {
      const { headers } = request
      seen.push([headers['x-a'], headers['x-b'], headers['user-agent']].map((one) => String(one)))
      const telemetry = JSON.parse(Buffer.from(String(headers['coder-cli-telemetry']), 'base64').toString())
      expect(telemetry).toMatchObject({
        command: 'users list',
        options: expect.arrayContaining([{ name: 'header', value_source: 'flag' }]),
      })
      response
        .setHeader('X-Coder-Build-Version', 'v2.1.0')
        .setHeader('Content-Type', 'application/json')
        .end('{"users":[],"count":0}')
    }).listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    const address = proxy.address()
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    try {
      const at = ['users', 'list', '--url', url, '--token', 't']
      const command = ['--header-command', 'echo X-B=$CODER_URL']
      const ran = await cli.run('--header', 'X-A=1', ...at, ...command)
      expect(ran).toMatchObject({ code: 0, stderr: expect.stringContaining('version mismatch') })
      expect(seen).toEqual([
        ['1', url, expect.stringMatching(/^coder-cli\/v2\.36\.0\S* \(\w+\/\w+; users list\)$/)],
      ])
      expect((await cli.run('--no-version-warning', ...at, '--header', 'X-A=1')).stderr).not.toContain(
        'mismatch',
      )
      expect(await cli.bad(...at, '--header-command', 'exit 3')).toContain('--header-command has failed')
      expect(await cli.bad(...at, '--header', 'nonsense')).toContain('--header must give name=value')
      expect(await cli.bad(...at, '--client-tls-ca-file', 'none.pem')).toContain('cannot be read')
    } finally {
      proxy.close()
    }
  })

  it('shows who and where', async () => {
    expect(await cli.good('whoami', '-o', 'table', '-c', 'username,roles,orgs')).toMatch(
      /^USERNAME\s+ROLES\s+ORGS\nowner\s+owner\s+coder\n$/,
    )
    expect(await cli.good('whoami')).toContain(`${server.url}, You're authenticated as owner`)
    expect(JSON.parse(await cli.good('whoami', '-o', 'json'))).toMatchObject([
      { username: 'owner', url: server.url },
    ])
  })

  it('signs out with --url and a token as session, and forgets both', async () => {
    const config = path.join(folder, 'other')
    const { key } = await owner.call(createToken, { params: { user: 'me' }, body: {} })
    const at = ['--global-config', config]
    await cli.good('login', server.url, '--token', key, '--use-token-as-session', ...at)
    expect((await cli.good('login', 'token', ...at)).trim()).toBe(key)
    expect(await cli.good('logout', ...at)).toContain('signed out')
    expect(await readdir(config)).toEqual([])
    const dead = await cli.run(...['whoami', '--url', server.url, '--token', key])
    expect(dead).toMatchObject({ code: 1, stderr: expect.stringContaining('Sign in') })
  })

  it('signs out here also when the server is gone', async () => {
    const config = path.join(folder, 'gone')
    await cli.good('login', server.url, '--token', token(), '--global-config', config)
    await writeFile(path.join(config, 'url'), `http://127.0.0.1:${await freePort()}`)
    expect(await cli.bad('logout', '--global-config', config)).toContain('cannot reach')
    expect(await readdir(config)).toEqual([])
  })

  it('OP-§17.2: a sign-out tells what it could not remove', async () => {
    const config = path.join(folder, 'stuck')
    await cli.good('login', server.url, '--token', token(), '--global-config', config)
    await mkdir(path.join(config, 'organization', 'x'), { recursive: true })
    expect(await cli.bad('logout', '--global-config', config)).toMatch(
      /not removed: .*organization[\s\S]*error: some files of the session are still here/,
    )
    expect(await readdir(config)).toEqual(['organization'])
  })
})

describe('usage', () => {
  it('OP-180: an unknown command or flag shows help on stderr and ends with 1', async () => {
    expect(await cli.bad('lst')).toMatch(
      /unknown command 'lst'[\s\S]*Did you mean one of list, ls\?[\s\S]*Usage: slipway/,
    )
    expect(await cli.bad('list', '--nope')).toMatch(/unknown option '--nope'[\s\S]*Usage: slipway list/)
    expect(await cli.bad('show')).toContain("missing required argument 'workspace'")
    expect(await cli.bad()).toContain('Usage: slipway')
  })

  it('OP-188: help and version go to stdout', async () => {
    expect(await cli.good('--help')).toContain('port-forward')
    expect(await cli.good('create', '--help')).toContain('--rich-parameter-file')
    expect(await cli.good('--version')).toMatch(/^Coder v2\.36\.\d+\+slipway\./)
    expect(JSON.parse(await cli.good('version', '-o', 'json'))).toMatchObject({
      version: expect.stringMatching(/^v2\.36\./),
    })
    expect(await cli.bad('version', '-o', 'xml')).toContain('--output must be text or json')
  })

  it('OP-188: help names variables and shows none of their values; groups and old names have help, too', async () => {
    const login = await cli.runWith({ CODER_FIRST_USER_PASSWORD: 's3cret' }, 'login', '--help')
    expect(login.stdout).toContain('CODER_FIRST_USER_PASSWORD')
    expect(login.stdout).not.toContain('s3cret')
    expect(await cli.good('help', 'templates')).toContain('push')
    expect(await cli.good('tokens', 'create', '--help')).toContain('--lifetime')
    expect(await cli.good('ls', '--help')).toContain('Usage: slipway list|ls')
    expect(await cli.good('--url', 'http://x', 'users', '--help')).toContain('edit-roles')
  })

  it('OP-180: server runs the server, with the flags before its name', async () => {
    expect(await cli.good('server', '--help')).toContain('--http-address')
    const ran = await cli.run('--global-config', '/dev/null/x', 'server', '--http-address', 'nonsense')
    expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('http-address') })
  })

  it('OP-185: unknown formats and columns are refused', async () => {
    expect(await cli.bad('users', 'list', '-o', 'xml')).toContain('--output must be table or json')
    expect(await cli.bad('users', 'list', '-c', 'nope')).toContain('choose from id, username, name')
  })

  it('OP-185: without a terminal standard input answers; no is no failure to explain', async () => {
    expect(await cli.bad('users', 'delete', 'owner')).toContain('add --yes')
    const no = await cli.runWith({}, ...['users', 'delete', 'nobody'], { input: 'no\n' })
    expect(no).toEqual({ code: 1, stdout: '', stderr: 'Delete nobody? This cannot be undone. (yes/no) \n' })
    const yes = await cli.runWith({}, ...['users', 'delete', 'nobody'], { input: 'yes\n' })
    expect(yes.stderr).toContain('not found')
    expect((await cli.run('-v', 'users', 'show', 'nobody')).stderr).toContain('    at ')
    expect(await cli.bad('users', 'create')).toContain('--email is required')
  })
})

describe('users and tokens', () => {
  it('makes, lists, changes and deletes accounts', async () => {
    await cli.good('users', 'create', '-e', 'ada@example.com', '-u', 'ada', '-p', PASSWORD, '-n', 'Ada L')
    expect(await cli.bad('users', 'create', '-e', 'ada@example.com', '-u', 'ada', '-p', PASSWORD)).toMatch(
      /already/i,
    )
    expect(await cli.good('users', 'list', '-c', 'username,status', '--search', 'ada')).toMatch(
      /^USERNAME\s+STATUS\nada\s+dormant\n$/,
    )
    await cli.good('users', 'edit-roles', 'ada', '--roles', 'template-admin', '-y')
    await cli.good('users', 'suspend', 'ada', '-y')
    expect(JSON.parse(await cli.good('users', 'list', '--search', 'ada', '-o', 'json'))).toMatchObject([
      { username: 'ada', status: 'suspended', roles: [{ name: 'template-admin' }] },
    ])
    expect(await cli.good('users', 'list', '--search', 'ada', '-c', 'login type,name')).toMatch(
      /password\s+Ada L/,
    )
    await cli.good('users', 'delete', 'ada', '-y')
    expect(await cli.bad('users', 'show', 'ada')).toContain('not found')
  })

  it('OP-§17.2: accounts without a password, and with one that is made up', async () => {
    const made = await cli.good('users', 'create', '-e', 'bo@example.com', '-u', 'bo')
    const password = /shown only now: (\S{20})\n/.exec(made)?.[1] ?? ''
    await cli.good(
      ...['login', server.url, '--first-user-email', 'bo@example.com', '--first-user-password', password],
      ...['--global-config', path.join(folder, 'bo')],
    )
    await cli.good('users', 'create', '--service-account', '-u', 'robot')
    const nologin = ['users', 'create', '-e', 'no@example.com', '-u', 'nologin', '--login-type', 'none']
    expect(await cli.bad(...nologin)).toContain('only for service accounts')
    expect(JSON.parse(await cli.good('users', 'show', 'robot', '-o', 'json'))).toMatchObject({
      login_type: 'none',
      email: expect.not.stringContaining('example.com'),
      is_service_account: true,
    })
    const create = ['users', 'create', '-e', 'x@example.com', '-u', 'x']
    expect(await cli.bad(...create, '--login-type', 'magic')).toContain('--login-type must be one of')
    expect(await cli.bad(...create, '--login-type', 'none', '-p', 'secret')).toContain('leave out --password')
    expect(await cli.bad(...create, '-O', 'nowhere')).toContain('not found')
    expect(await cli.bad('users', 'list', '--github-user-id', 'x')).toContain('must be a number')
  })

  it('makes, lists and removes tokens, also one whose name looks like an id', async () => {
    const made = await cli.good(
      'tokens',
      'create',
      '-n',
      'production',
      '--lifetime',
      '24h',
      '--scope',
      'workspace:read',
    )
    expect(made).toMatch(/^\w{10}-\w+\n$/)
    const listed = JSON.parse(await cli.good('tokens', 'list', '-o', 'json'))
    expect(listed).toContainEqual(
      expect.objectContaining({ token_name: 'production', scopes: ['workspace:read'] }),
    )
    expect(await cli.good('tokens', 'rm', 'production')).toContain('expired')
    expect(await cli.good('tokens', 'list')).not.toContain('production')
    expect(await cli.good('tokens', 'list', '--include-expired', '-c', 'name,owner')).toMatch(
      /production\s+owner/,
    )
    const again = await cli.good('tokens', 'create', '-n', 'by-id')
    expect(await cli.good('tokens', 'view', 'by-id')).toContain(again.slice(0, 10))
    await cli.good('tokens', 'remove', '--delete', again.slice(0, 10))
    expect(await cli.bad('tokens', 'view', 'by-id')).toContain('not found')
    const whole = (await cli.good('tokens', 'create', '-n', 'whole')).trim()
    await cli.good('tokens', 'remove', '--delete', whole)
    expect(await cli.bad('whoami', '--token', whole)).toContain('Sign in')
    expect(await cli.bad('tokens', 'create', '--lifetime', 'soon')).toContain('--lifetime')
  })
})

describe('templates', () => {
  it('init writes an example that can be pushed', async () => {
    await cli.good('templates', 'init', 'example')
    expect(await readdir(path.join(folder, 'example'))).toEqual(['README.md', 'template.ts'])
    expect(await cli.bad('templates', 'init', 'example')).toContain('is not empty')
    expect(await cli.bad('templates', 'push', '-d', 'example')).toContain('add --yes')
    expect(await cli.good('templates', 'push', '-d', 'example', '-y')).toContain('Made template example')
  })

  it('push makes new versions; a failed import ends with 1 and the line of the fault', async () => {
    const file = path.join(folder, 'example', 'template.ts')
    const source = await readFile(file, 'utf8')
    await writeFile(file, source.replace('owner.email', '7'))
    const failed = await cli.run(...['templates', 'push', 'example', '-d', 'example', '--name', 'v0'])
    expect(failed).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/error: the import has failed: template\.ts:26:\d+: TS/),
    })
    await writeFile(file, source)
    expect(
      await cli.good('templates', 'push', 'example', '-d', 'example', '--name', 'v1', '-m', 'First'),
    ).toContain('Version v1 of template example is active')
    expect(await cli.good('templates', 'versions', 'list', 'example')).toMatch(/v1 .*succeeded\s+Active/)
    expect(await cli.bad('templates', 'push', '-d', 'config', '-y')).toContain('no template.ts')
  })

  it('OP-§17.2: push takes a tar archive on standard input', async () => {
    const tar = await promisify(execFile)('tar', ['-C', path.join(folder, 'example'), '-c', '.'], {
      encoding: 'buffer',
    })
    const push = ['templates', 'push', '-d', '-', '--activate=false', '--name', 'piped']
    expect(await cli.bad(...push)).toContain('name the template')
    const made = await cli.runWith({}, ...push, 'example', { input: tar.stdout })
    expect(made).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Version piped of template example was made'),
    })
    expect(await cli.bad(...push, 'example')).toContain('standard input holds no tar archive')
    await cli.good('templates', 'versions', 'promote', '-t', 'example', '--template-version', 'piped')
    expect(await cli.good('templates', 'versions', 'list', 'example')).toMatch(/piped .*succeeded\s+Active/)
    expect(
      await cli.bad('templates', 'push', 'example', '-d', 'example', '--variables-file', 'none'),
    ).toContain('--variables-file cannot be read')
    expect(await cli.bad('templates', 'init', '--id', 'none')).toContain('choose from local-workspace')
  })

  it('list and delete', async () => {
    expect(await cli.good('templates', 'list', '-c', 'name,engine')).toMatch(/example\s+typescript/)
    expect(JSON.parse(await cli.good('templates', 'list', '-o', 'json'))).toContainEqual({
      Template: expect.objectContaining({ name: 'example' }),
    })
    await cli.good('templates', 'push', 'second', '-d', 'example', '-y')
    expect(await cli.good('templates', 'delete', 'second', '-y')).toContain('Deleted template second')
    expect(await cli.bad('templates', 'delete', 'second', '-y')).toContain('not found')
  })
})
