import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, request, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { connect, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { createBuild, createWorkspace, getWorkspace } from '@slipway/contract'
import { freePort, importTemplate, startTestServer, type TestServer, until } from '@slipway/testkit'
import { BIN, CommandLine } from './testing/command-line.ts'

const SOURCE = `import { defineTemplate, local } from '@slipway/template'
export default defineTemplate({
  parameters: { pause: { type: 'number', default: 0, mutable: true } },
  workspace: ({ parameters }) => ({
    runtime: local(),
    agents: [{
      name: 'main',
      startupScript: 'echo preparing; sleep ' + parameters.pause,
      startupScriptBehavior: 'blocking',
      apps: [
        { slug: 'site', url: 'http://localhost:8080' },
        { slug: 'own', url: 'http://localhost:8080', subdomain: true },
        { slug: 'top', command: 'top' },
        { slug: 'editor', url: 'cursor://open?token=$SESSION_TOKEN', external: true },
        { slug: 'stranger', url: 'evil://open?token=$SESSION_TOKEN', external: true },
        { slug: 'page', url: 'https://other.example/?token=$SESSION_TOKEN', external: true },
      ],
    }],
  }),
})`

let server: TestServer
let owner: Client
let folder: string
let cli: CommandLine
let id: string
const token = () => owner.headers['Coder-Session-Token'] ?? ''

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-cli-'))
  cli = new CommandLine(folder)
  server = await startTestServer({
    env: {
      CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
      CODER_WILDCARD_ACCESS_URL: '*.apps.example.com',
    },
  })
  owner = await server.owner()
  const template = await importTemplate(owner, 'net', { 'template.ts': SOURCE })
  const made = await owner.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: 'dev', template_id: template.id },
  })
  id = made.id
  await cli.good('login', server.url, '--token', token())
  await until('the workspace', async () => (await latest()).status === 'running')
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const latest = async () => (await owner.call(getWorkspace, { params: { workspace: id } })).latest_build

async function portOf(listening: Server | TcpServer): Promise<number> {
  listening.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  const address = listening.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

describe('proxies', () => {
  it('L-25: requests and WebSockets go through HTTP_PROXY, but not where NO_PROXY or this machine is meant, and doctor says so', async () => {
    const target = new URL(server.url)
    const seen = new Set<string>()
    const proxy = createServer((incoming, outgoing) => {
      const { host, pathname, search } = new URL(incoming.url ?? '')
      seen.add(host)
      const { method, headers } = incoming
      const options = {
        host: target.hostname,
        port: target.port,
        method,
        headers,
        path: `${pathname}${search}`,
      }
      incoming.pipe(
        request(options, (answer) => {
          outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
          answer.pipe(outgoing)
        }),
      )
    })
    let upgrades = true
    proxy.on('upgrade', (incoming, socket: Socket) => {
      if (!upgrades) {
        socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n')
        return
      }
      seen.add(`upgrade ${new URL(incoming.url ?? '').host}`)
      const onward = connect(Number(target.port), target.hostname, () => {
        const { pathname, search } = new URL(incoming.url ?? '')
        const { rawHeaders } = incoming
        const lines = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${rawHeaders[i + 1]}`] : []))
        onward.write(`GET ${pathname}${search} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
        onward.pipe(socket).pipe(onward)
      })
      for (const end of [onward, socket]) end.on('error', () => socket.destroy())
    })
    const proxied = { HTTP_PROXY: `http://127.0.0.1:${await portOf(proxy)}` }
    const at = ['--url', 'http://slipway.test', '--token', token()]
    try {
      const known = await cli.runWith(proxied, 'whoami', ...at)
      expect(known).toMatchObject({ code: 0, stdout: expect.stringContaining('authenticated as owner') })
      expect(await cli.runWith(proxied, 'ssh', ...at, 'dev', 'exit 3')).toMatchObject({ code: 3 })
      expect([...seen]).toEqual(['slipway.test', 'upgrade slipway.test'])
      const port = new URL(proxied.HTTP_PROXY).port
      const secretive = { HTTP_PROXY: `http://me:hush@127.0.0.1:${port}` }
      const shown = await cli.runWith(secretive, 'doctor', ...at, 'dev')
      expect(shown).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(
          new RegExp(
            `HTTP_PROXY=http://127\\.0\\.0\\.1:${port}\n[\\s\\S]*to 127\\.0\\.0\\.1:${port}\n[\\s\\S]*\nAll of it works`,
          ),
        ),
      })
      expect(shown.stdout).not.toContain('hush')
      upgrades = false
      expect(await cli.runWith(proxied, 'doctor', ...at)).toMatchObject({
        code: 1,
        stdout: expect.stringMatching(/ok +network[\s\S]*FAILED +WebSocket +status 403/),
        stderr: expect.stringContaining('let WebSockets pass'),
      })
      const around = await cli.runWith({ ...proxied, NO_PROXY: 'slipway.test' }, 'whoami', ...at)
      expect(around).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/cannot reach .*(ENOTFOUND|EAI_AGAIN)/),
      })
      const dead = { HTTP_PROXY: `http://127.0.0.1:${await freePort()}` }
      expect(await cli.runWith(dead, 'whoami')).toMatchObject({ code: 0 })
    } finally {
      proxy.close()
    }
  })
})

it('L-25, L-8: doctor measures each hop to a workspace, and says at the first that fails what to do', async () => {
  const hops: { hop: string; ok: boolean; ms?: number }[] = JSON.parse(
    await cli.good('doctor', 'dev', '-o', 'json'),
  )
  const names = 'settings connection answer server network WebSocket agent tunnel workspace'
  expect(hops.map(({ hop }) => hop).join(' ')).toBe(names)
  expect(hops.filter(({ ok }) => !ok)).toEqual([])
  expect(hops.filter(({ ms }) => ms === undefined).map(({ hop }) => hop)).toEqual(['settings', 'agent'])
  const faulty = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await cli.run('doctor', ...args)
    return `${code} ${stdout.split('\n').find((line) => line.startsWith('FAILED'))} ${stderr}`
  }
  const nowhere = `http://127.0.0.1:${await freePort()}`
  expect(await faulty('--url', nowhere, '--token', 'x')).toMatch(
    /^1 FAILED +connection .*ECONNREFUSED[\s\S]*check the URL/,
  )
  expect(await faulty('--token', 'x')).toMatch(/^1 FAILED +session .*401[\s\S]*slipway login/)
})

it('L-26: speedtest measures both directions, also for programs', async () => {
  const rows = JSON.parse(await cli.good('speedtest', 'dev', '-t', '200ms', '-o', 'json'))
  const row = { bytes: expect.any(Number), ms: expect.any(Number), mbit_per_s: expect.any(Number) }
  expect(rows).toEqual([
    { direction: 'down', ...row },
    { direction: 'up', ...row },
  ])
  for (const { bytes, ms, mbit_per_s } of rows) {
    expect(bytes).toBeGreaterThan(0)
    expect(mbit_per_s).toBeCloseTo((bytes * 8) / ms / 1000, 1)
  }
  expect(await cli.good('speedtest', 'dev', '-t', '200ms', '-d', 'up')).toMatch(
    /^up +[\d.]+ Mbit\/s +.* MB in .* s\n$/,
  )
  expect(await cli.bad('speedtest', 'dev', '-d', 'sideways')).toContain(
    '--direction must be down, up or both',
  )
  expect(await cli.bad('speedtest', 'dev', '-t', '1m')).toContain('--time must be at most 30s')
})

describe('TLS', () => {
  it('OP-181: an authority of one’s own is trusted, and a certificate is shown to a server that asks', async () => {
    const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')]
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
    await promisify(execFile)('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-keyout', key, '-out', cert, ...names],
    ])
    const pem = { key: await readFile(key), cert: await readFile(cert) }
    const secure = createTlsServer({ ...pem, ca: pem.cert, requestCert: true }, (_request, response) => {
      response.setHeader('Content-Type', 'application/json').end('{"users":[],"count":0}')
    })
    const url = `https://localhost:${await portOf(secure)}`
    const list = ['users', 'list', '-o', 'json', '--url', url, '--token', 't']
    try {
      expect(await cli.bad(...list)).toContain('--client-tls-ca-file')
      expect(await cli.bad(...list, '--client-tls-ca-file', cert)).toContain(`cannot reach ${url}`)
      const shown = ['--client-tls-ca-file', cert, '--client-tls-cert-file', cert]
      expect(await cli.bad(...list, ...shown)).toContain('belong together')
      expect(await cli.bad(...list, ...shown, '--client-tls-key-file', cert)).toContain(
        'holds no private key',
      )
      expect(await cli.good(...list, ...shown, '--client-tls-key-file', key)).toBe('[]\n')
    } finally {
      secure.close()
    }
  })
})

describe('other servers', () => {
  it('OP-186: what is no Slipway server is said to be none, and the session is sent nowhere else', async () => {
    const asked: string[] = []
    const stranger = createServer((incoming, response) => {
      asked.push(incoming.url ?? '')
      if (incoming.url === '/api/v2/users/me')
        response.writeHead(302, { Location: 'https://other.example/' }).end()
      else response.writeHead(404).end('<html>Nothing here</html>')
    })
    const url = `http://127.0.0.1:${await portOf(stranger)}`
    try {
      expect(await cli.bad('login', url, '--token', 'x')).toContain(`${url} is not a Slipway server`)
      expect(asked).toEqual(['/api/v2/buildinfo'])
      expect(await cli.bad('whoami', '--url', url, '--token', 'x')).toContain(
        'it sends requests on to https://other.example/',
      )
    } finally {
      stranger.close()
    }
    for (const wrong of ['ftp://host', 'http://', 'https://user@host'])
      expect(await cli.bad('whoami', '--url', wrong, '--token', 'x')).toContain('is no address of a server')
    expect(await cli.good('whoami', '--url', server.url.replace('http://', ''))).toContain('owner')
  })
})

describe('lost connections', () => {
  it('L-24: port-forward connects again, and ends when a port is taken', async () => {
    const echo = createTcpServer((socket) => socket.pipe(socket))
    const remote = await portOf(echo)
    expect(await cli.bad('port-forward', 'dev', '-p', `${await freePort()}:1,${remote}:1`)).toContain(
      `127.0.0.1:${remote} cannot be used`,
    )
    const target = new URL(server.url)
    const open = new Set<Socket>()
    const relay = createTcpServer((socket) => {
      const onward = connect(Number(target.port), target.hostname)
      open.add(socket)
      socket.on('close', () => onward.destroy()).on('error', () => undefined)
      onward.on('close', () => socket.destroy()).on('error', () => undefined)
      socket.pipe(onward).pipe(socket)
    })
    const local = await freePort()
    const url = `http://127.0.0.1:${await portOf(relay)}`
    const child = spawn(
      process.execPath,
      [BIN, 'port-forward', 'dev', '-p', `${local}:${remote}`, '--url', url, '--token', token()],
      {
        env: cli.environment,
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    )
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => {
      said += String(chunk)
    })
    const echoed = async (text: string): Promise<string> => {
      const socket = connect(local, '127.0.0.1')
      socket.write(text)
      const [answer] = await once(socket, 'data')
      socket.destroy()
      return String(answer)
    }
    try {
      await until('the port', () => said.includes('Ready!'))
      expect(await echoed('one')).toBe('one')
      for (const socket of open) socket.destroy()
      await until('the next connection', () => said.includes('Connected again.'))
      expect(await echoed('two')).toBe('two')
      child.kill('SIGINT')
      expect((await once(child, 'exit'))[0]).toBe(0)
    } finally {
      child.kill('SIGKILL')
      echo.close()
      relay.close()
    }
  })

  it('AC-243: ssh ends when the workspace is stopped while it waits', async () => {
    await cli.good('restart', 'dev', '-y', '--parameter', 'pause=600')
    const child = spawn(process.execPath, [BIN, 'ssh', 'dev', 'true'], { env: cli.environment })
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => {
      said += String(chunk)
    })
    try {
      await until('the log of the script', () => /Waiting for the startup scripts[\s\S]*preparing/.test(said))
      await owner.call(createBuild, { params: { workspace: id }, body: { transition: 'stop' } })
      expect((await once(child, 'exit'))[0]).toBe(1)
      expect(said).toMatch(/error: workspace dev is (pending|stopping|stopped)/)
    } finally {
      child.kill('SIGKILL')
    }
    await until('the stop', async () => (await latest()).status === 'stopped')
    expect(await cli.run('doctor', 'dev')).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/FAILED +workspace +it is stopped\n$/),
      stderr: expect.stringContaining('Start it: slipway start dev'),
    })
    await cli.good('start', 'dev', '--parameter', 'pause=0')
  })

  it('OP-186: a reader that leaves early is no failure to explain', async () => {
    const shell = `"${process.execPath}" "${BIN}" list -o json 2>&1 >&3 | cat >&4; exit 0`
    const { stdout } = await promisify(execFile)(
      'sh',
      ['-c', `{ { ${shell}; } 3>&1 4>"${folder}/said" | true; }; cat "${folder}/said"`],
      { env: cli.environment },
    )
    expect(stdout).toBe('')
  })
})

describe('open', () => {
  it('L-S3: only a program on this machine that is known is handed a key, and the key is not printed', async () => {
    const opened = path.join(folder, 'opened')
    await writeFile(path.join(folder, 'xdg-open'), `#!/bin/sh\nprintf %s "$1" > ${opened}\n`, { mode: 0o755 })
    const browsing = { PATH: `${folder}:${process.env.PATH ?? ''}` }
    const open = async (slug: string): Promise<string> => {
      await rm(opened, { force: true })
      expect((await cli.runWith(browsing, 'open', 'app', 'dev', slug)).stdout).not.toContain(token())
      return until('the browser', () => readFile(opened, 'utf8').catch(() => undefined))
    }
    const editor = await open('editor')
    const key = new URL(editor).searchParams.get('token') ?? ''
    expect(await cli.good('whoami', '--token', key)).toContain('owner')
    expect(await open('stranger')).toBe('evil://open?token=$SESSION_TOKEN')
    expect(await open('page')).toBe('https://other.example/?token=$SESSION_TOKEN')
    expect(await cli.good('open', 'app', 'dev', 'editor', '--no-open')).toBe(
      'cursor://open?token=$SESSION_TOKEN\n',
    )
  })

  it('OP-§17.2: open app knows hosts, paths and commands; open vscode takes folders from the agent’s own', async () => {
    const app = (slug: string) => cli.good('open', 'app', 'dev', slug, '--no-open')
    expect(await app('site')).toBe(`${server.url}/@owner/dev.main/apps/site/\n`)
    expect(await app('own')).toMatch(/^http:\/\/own--dev--owner\.apps\.example\.com(:\d+)?\/\n$/)
    expect(await app('top')).toBe(`${server.url}/@owner/dev.main/terminal?app=top\n`)
    const folderOf = async (...args: string[]) =>
      new URL(await cli.good('open', 'vscode', 'dev', ...args, '--no-open')).searchParams.get('folder')
    const own = await folderOf()
    expect(own).toMatch(/^\//)
    expect(await folderOf('project')).toBe(`${own}/project`)
    expect(await folderOf('/src')).toBe('/src')
  })
})
