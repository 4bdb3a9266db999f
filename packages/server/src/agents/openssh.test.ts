import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { createWorkspace, getGitSshKey, getWorkspace } from '@slipway/contract'
import { freePort, importTemplate, startTestServer, type TestServer, until } from '@slipway/testkit'

const run = promisify(execFile)
const SLIPWAY = fileURLToPath(new URL('../../../cli/bin/slipway.js', import.meta.url))
const TEMPLATE = `import { defineTemplate, local } from '@slipway/template'
export default defineTemplate({
  workspace: () => ({
    runtime: local(),
    agents: [
      {
        name: 'main',
        directory: '~/project',
        motdFile: '~/motd',
        env: {
          GREETING: 'hello',
          EXPANDED: '$GREETING from \${CODER_WORKSPACE_NAME}',
          PATH: '$HOME/tools:$PATH',
          CODER_WORKSPACE_AGENT_NAME: 'renamed',
        },
        startupScript: 'echo "Welcome aboard" > ~/motd',
        startupScriptBehavior: 'blocking',
      },
    ],
  }),
})
`

let server: TestServer
let owner: Client
let folder = ''
const started = new Set<ChildProcess>()

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
  const template = await importTemplate(owner, 'ssh', { 'template.ts': TEMPLATE })
  const { id } = await owner.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: 'dev', template_id: template.id },
  })
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-ssh-'))
  const slipway = (...args: string[]) =>
    run(process.execPath, [SLIPWAY, '--global-config', path.join(folder, 'session'), ...args])
  await slipway('login', server.url, '--token', owner.headers['Coder-Session-Token'] ?? '')
  await slipway('config-ssh', '--yes', '--ssh-config-file', path.join(folder, 'config'))
  await until('the agent', async () => {
    const { latest_build } = await owner.call(getWorkspace, { params: { workspace: id } })
    return latest_build.resources[0]?.agents?.[0]?.lifecycle_state === 'ready'
  })
})
afterAll(async () => {
  for (const child of started) child.kill('SIGKILL')
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const sshArgs = (...args: string[]): string[] => ['-F', path.join(folder, 'config'), ...args]
/** Runs `ssh` to its end; rejects when it fails. */
const ssh = (...args: string[]) => run('ssh', ['-n', ...sshArgs(...args)], { maxBuffer: 64 * 1024 * 1024 })

/** Starts a program that the test ends. */
function start(program: string, args: readonly string[], options: SpawnOptions = {}) {
  const child = spawn(program, args, { stdio: 'pipe', ...options })
  started.add(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      output += String(chunk)
    })
  // Not `exit`, which may come before the last output.
  const exited = once(child, 'close').then(([code]) => Number(code))
  void exited.finally(() => started.delete(child))
  return {
    child,
    exited,
    output: () => output,
    async end() {
      // A gentle signal that comes just before it waits for its connection is heard with the next packet only.
      child.kill('SIGKILL')
      await exited
    },
  }
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

describe('AC-112: the environment', () => {
  it('is the predefined one, then the manifest with `$VAR` expanded, then what the client sets', async () => {
    const { stdout } = await ssh(
      '-o',
      'SetEnv=FROM_CLIENT=yes CODER_SSH_SESSION_TYPE=vscode',
      'coder.dev',
      'env; echo "PWD is $PWD"',
    )
    const env = new Map(
      stdout.split('\n').map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1)]),
    )
    expect(Object.fromEntries(env)).toMatchObject({
      CODER: 'true',
      CODER_WORKSPACE_NAME: 'dev',
      CODER_WORKSPACE_OWNER_NAME: 'owner',
      CODER_WORKSPACE_AGENT_NAME: 'renamed',
      CODER_WORKSPACE_ID: expect.stringMatching(/^[0-9a-f-]{36}$/),
      CODER_AGENT_TOKEN: expect.stringMatching(/^[0-9a-f-]{36}$/),
      GREETING: 'hello',
      EXPANDED: 'hello from dev',
      FROM_CLIENT: 'yes',
      CS_DISABLE_GETTING_STARTED_OVERRIDE: 'true',
      SHELL: '/bin/bash',
      USER: expect.any(String),
      LOGNAME: expect.any(String),
      SSH_CLIENT: expect.any(String),
      SSH_CONNECTION: expect.any(String),
    })
    const home = env.get('HOME') ?? ''
    const [bin, tools] = env.get('PATH')?.split(':') ?? []
    expect(bin).toMatch(/\/bin$/)
    expect(tools).toBe(`${home}/tools`)
    expect(stdout).toContain(`PWD is ${home}/project`)
    for (const hidden of [
      'CODER_SSH_SESSION_TYPE',
      'SLIPWAY_AGENT_ACCOUNT',
      'SLIPWAY_AGENT_DIRECTORY',
      'SSH_AUTH_SOCK',
    ])
      expect(env.has(hidden), hidden).toBe(false)
  })
})

describe('AC-111: ends of commands', () => {
  it('exit codes, unknown commands and signals reach the client, with and without a terminal', async () => {
    for (const [command, code] of [
      ['exit 0', 0],
      ['exit 42', 42],
      ['no-such-command', 127],
      ['kill -TERM $$', 255],
    ] as const)
      for (const terminal of [[], ['-tt']]) {
        const { exited } = start('ssh', sshArgs(...terminal, 'coder.dev', command))
        expect([command, terminal, await exited]).toEqual([command, terminal, code])
      }
  })

  it('output and errors come apart, and the last of both arrives', async () => {
    const { stdout, stderr } = await ssh('coder.dev', 'seq 1 100000; seq 100000 -1 1 >&2')
    expect(stdout.split('\n').at(-2)).toBe('100000')
    expect(stderr.split('\n').at(-2)).toBe('1')
    expect([stdout.length, stderr.length]).toEqual([588_895, 588_895])
  })

  it('a command without input sees its end; one that reads no input ends all the same', async () => {
    expect((await ssh('coder.dev', 'cat; echo over')).stdout).toBe('over\n')
    const early = start('ssh', sshArgs('coder.dev', 'head -c 5'))
    early.child.stdin?.on('error', () => undefined)
    early.child.stdin?.end(Buffer.alloc(20 * 1024 * 1024, 'a'))
    expect(await early.exited).toBe(0)
    expect(early.output()).toBe('aaaaa')
  })
})

describe('AC-110: terminals', () => {
  it('have the size and the type of the client, and follow its changes', async () => {
    const remote =
      'trap "stty size; exit" WINCH; tty; stty size; echo "type $TERM"; while :; do sleep 0.05; done'
    const command = `stty rows 33 cols 111; tty; exec ssh ${sshArgs('-tt', 'coder.dev').join(' ')} '${remote}'`
    const client = start('script', ['-qec', command, '/dev/null'], { env: { ...process.env, TERM: 'vt220' } })
    await until('the first size', () => client.output().includes('type vt220'))
    expect(client.output()).toContain('33 111')
    const local = /\/dev\/\S+/.exec(client.output())?.[0] ?? ''
    let columns = 90
    await until('the new size', async () => {
      if (/\b44 \d+/.test(client.output())) return true
      // A client that is about to wait hears of its size with the next packet only, or with the next change.
      // One that has heard meanwhile ends, and its terminal with it: what it printed decides, below.
      await run('stty', ['-F', local, 'rows', '44', 'cols', String(columns)]).catch(() => undefined)
      columns += 1
      return false
    })
    expect(await client.exited).toBe(0)
  })

  it('AC-114: a login shell in a terminal begins with the message of the day, which ~/.hushlogin hides', async () => {
    const login = async (...args: string[]): Promise<string> => {
      const shell = start('ssh', sshArgs(...args, 'coder.dev'))
      shell.child.stdin?.end('shopt -q login_shell && echo "login $((40+2))"; exit\n')
      await shell.exited
      return shell.output()
    }
    const greeted = await login('-tt')
    expect(greeted).toContain('Welcome aboard')
    expect(greeted).toContain('login 42')
    const plain = await login('-T')
    expect(plain).toContain('login 42')
    expect(plain).not.toContain('Welcome aboard')
    expect((await ssh('-tt', 'coder.dev', 'echo done; touch ~/.hushlogin')).stdout).toBe('done\r\n')
    expect(await login('-tt')).not.toContain('Welcome aboard')
  })

  it('a lost client hangs its terminal up', async () => {
    const client = start(
      'ssh',
      sshArgs('-tt', 'coder.dev', 'trap "touch ~/hung-up; exit" HUP; echo up; sleep 600 & wait'),
    )
    await until('the command', () => client.output().includes('up'))
    client.child.kill('SIGKILL')
    await until('the hang-up', () => ssh('coder.dev', 'ls ~/hung-up').catch(() => undefined))
  })
})

describe('AC-110: streams', () => {
  it('50 MB arrive unchanged in each direction, also when keys change on the way', async () => {
    const block = randomBytes(1024 * 1024)
    const size = 50
    const hash = createHash('sha256')
    for (let i = 0; i < size; i += 1) hash.update(block)
    const wanted = hash.digest('hex')
    const file = path.join(folder, 'big')
    await writeFile(file, Buffer.concat(Array.from({ length: size }, () => block)))
    const up = start('ssh', sshArgs('-o', 'RekeyLimit=16M', 'coder.dev', 'tee ~/big | sha256sum'))
    if (up.child.stdin === null) throw new Error('no input')
    await pipeline(createReadStream(file), up.child.stdin)
    expect(await up.exited).toBe(0)
    expect(up.output()).toContain(wanted)
    const down = spawn('ssh', sshArgs('-n', '-o', 'RekeyLimit=16M', 'coder.dev', 'cat ~/big; rm ~/big'))
    const received = createHash('sha256')
    await pipeline(down.stdout, received)
    expect(received.digest('hex')).toBe(wanted)
  })

  it('many sessions share one connection and keep apart', async () => {
    const socket = path.join(folder, 'control')
    const control = ['-o', `ControlPath=${socket}`]
    const master = start('ssh', sshArgs('-MN', ...control, 'coder.dev'))
    await until('the master', () =>
      access(socket).then(
        () => true,
        () => false,
      ),
    )
    const codes = await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const session = start('ssh', sshArgs('-n', ...control, 'coder.dev', `echo session ${i}; exit ${i}`))
        const code = await session.exited
        return `${session.output().trim()} ${code}`
      }),
    )
    expect(codes).toEqual(Array.from({ length: 40 }, (_, i) => `session ${i} ${i}`))
    await ssh(...control, '-O', 'exit', 'coder.dev').catch(() => undefined)
    await master.exited
  })
})

describe('AC-110: forwarding', () => {
  it('-L reaches a port and a socket of the workspace, and closed ports are refused', async () => {
    const echo = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket))
    const target = await listen(echo)
    const [port, closed] = [await freePort(), await freePort()]
    const dead = await freePort()
    const forwarding = ['-L', `${port}:127.0.0.1:${target}`, '-L', `${closed}:127.0.0.1:${dead}`]
    const client = start('ssh', sshArgs('-N', '-o', 'ExitOnForwardFailure=yes', ...forwarding, 'coder.dev'))
    const answer = await until('an answer', () => throughPort(port, 'over the wire').catch(() => undefined))
    expect(answer).toBe('over the wire')
    const many = await Promise.all(Array.from({ length: 30 }, (_, i) => throughPort(port, `stream ${i}`)))
    expect(many).toEqual(Array.from({ length: 30 }, (_, i) => `stream ${i}`))
    // The client cuts connections that the other end refuses.
    expect(await throughPort(closed, 'nobody').catch(() => '')).toBe('')
    await client.end()
    echo.close()
  })

  it('-L reaches a Unix socket of the workspace, from a socket here; one that is not there is refused', async () => {
    const { stdout: home } = await ssh('coder.dev', 'printf %s "$HOME"')
    const serve = `perl -MIO::Socket::UNIX -e '$s = IO::Socket::UNIX->new(Local => "${home}/greeter", Listen => 5) or die; $| = 1; print "up\n"; while ($c = $s->accept) { print $c "hello ", scalar <$c>; close $c }'`
    const greeter = start('ssh', sshArgs('-tt', 'coder.dev', serve))
    await until('the greeter', () => greeter.output().includes('up'))
    const [here, nowhere] = [path.join(folder, 'here'), path.join(folder, 'nowhere')]
    const forwarding = ['-L', `${here}:${home}/greeter`, '-L', `${nowhere}:${home}/no-such-socket`]
    const client = start('ssh', sshArgs('-N', '-o', 'ExitOnForwardFailure=yes', ...forwarding, 'coder.dev'))
    const say = async (file: string): Promise<string> => {
      const socket = connect({ path: file })
      await once(socket, 'connect')
      socket.write('from here\n')
      return text(socket)
    }
    expect(await until('an answer', () => say(here).catch(() => undefined))).toBe('hello from here\n')
    expect(await say(nowhere).catch(() => '')).toBe('')
    await Promise.all([client.end(), greeter.end()])
  })

  it('-R brings connections from the workspace here, over a port it chooses and over a socket', async () => {
    const greeter = createServer((socket) => socket.end('hello from the client\n'))
    const local = await listen(greeter)
    const forwarding = ['-R', `0:127.0.0.1:${local}`, '-R', `/tmp/slipway-test-${local}:127.0.0.1:${local}`]
    const client = start(
      'ssh',
      sshArgs('-N', '-o', 'LogLevel=INFO', '-o', 'ExitOnForwardFailure=yes', ...forwarding, 'coder.dev'),
    )
    const [, port] = await until('the port', () => /Allocated port (\d+)/.exec(client.output()) ?? undefined)
    expect((await ssh('coder.dev', `cat < /dev/tcp/127.0.0.1/${port}`)).stdout).toBe(
      'hello from the client\n',
    )
    const read = `perl -MIO::Socket::UNIX -e 'print IO::Socket::UNIX->new("/tmp/slipway-test-${local}")->getline'`
    expect((await ssh('coder.dev', read)).stdout).toBe('hello from the client\n')
    await client.end()
    // The listener goes with its client.
    await until('the end of the listener', () =>
      ssh('coder.dev', `: < /dev/tcp/127.0.0.1/${port}`).then(
        () => false,
        () => true,
      ),
    )
    greeter.close()
  })

  it('-A lends the keys of the client, to sign and not to take', async () => {
    const key = path.join(folder, 'id')
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'lent', '-f', key])
    const agent = start('ssh-agent', ['-D', '-a', path.join(folder, 'agent')])
    const env = { ...process.env, SSH_AUTH_SOCK: path.join(folder, 'agent') }
    await until('the agent', () =>
      run('ssh-add', ['-q', key], { env }).then(
        () => true,
        () => false,
      ),
    )
    const command =
      'cat > ~/lent.pub; ssh-add -L; ssh-add -T ~/lent.pub && echo signed; echo "<$SSH_AUTH_SOCK>"'
    const client = start('ssh', sshArgs('-A', 'coder.dev', command), { env })
    client.child.stdin?.end(await readFile(`${key}.pub`))
    expect(await client.exited).toBe(0)
    expect(client.output()).toContain((await readFile(`${key}.pub`, 'utf8')).trim())
    expect(client.output()).toContain('signed')
    const socket = /<(.+)>/.exec(client.output())?.[1] ?? ''
    await until('the socket to be removed', async () => {
      const { stdout } = await ssh('coder.dev', `test -e ${socket} || echo gone`)
      return stdout.includes('gone')
    })
    await agent.end()
  })
})

async function throughPort(port: number, message: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  await once(socket, 'connect')
  socket.end(message)
  return text(socket)
}

describe('AC-116: git', () => {
  it('pushes to and clones from a repository in the workspace', async () => {
    await ssh('coder.dev', 'git init --quiet --bare --initial-branch main ~/repository.git')
    const work = path.join(folder, 'work')
    await mkdir(work)
    await writeFile(path.join(work, 'file'), randomBytes(300_000))
    const git = (...args: string[]) =>
      run('git', [
        '-c',
        `core.sshCommand=ssh -F ${path.join(folder, 'config')}`,
        '-c',
        'user.name=Ada',
        '-c',
        'user.email=ada@example.com',
        ...args,
      ])
    await git('init', '--quiet', '--initial-branch', 'main', work)
    await git('-C', work, 'add', '.')
    await git('-C', work, 'commit', '--quiet', '--message', 'First')
    const { stdout: home } = await ssh('coder.dev', 'printf %s "$HOME"')
    await git('-C', work, 'push', '--quiet', `coder.dev:${home}/repository.git`, 'main')
    await git('clone', '--quiet', `coder.dev:${home}/repository.git`, path.join(folder, 'clone'))
    expect(await readFile(path.join(folder, 'clone', 'file'))).toEqual(
      await readFile(path.join(work, 'file')),
    )
  })

  it('inside, has the git key of the owner and can sign with it, while no file holds it', async () => {
    const { public_key } = await owner.call(getGitSshKey, { params: { user: 'me' } })
    const command = [
      'export SSH_AUTH_SOCK=$(echo "$GIT_SSH_COMMAND" | sed "s/.*IdentityAgent=//; s/ .*//")',
      'ssh-add -L | tee ~/git.pub',
      'ssh-add -T ~/git.pub && echo signed',
      'stat -c %a "$(dirname "$SSH_AUTH_SOCK")"',
    ].join('; ')
    const { stdout } = await ssh('coder.dev', command)
    expect(stdout).toContain(public_key.trim().split(' ').slice(0, 2).join(' '))
    expect(stdout).toContain('signed')
    expect(stdout).toContain('700')
  })
})
