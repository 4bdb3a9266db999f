import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

import { afterAll, beforeAll, expect, it } from 'vitest'
import { parse } from 'yaml'

import type { Client } from '@slipway/client'
import { registerOAuth2Client, updateOAuth2Settings } from '@slipway/contract'
import { freePort, startTestServer, type TestServer } from '@slipway/testkit'
import { conformanceFeatures } from './conformance.fixture.ts'
import { bearer, MCP_PATH } from './mcp-clients.fixture.ts'

const ROOT = path.resolve(import.meta.dirname, '../../../..')
const SUITE = path.join(ROOT, 'node_modules/@modelcontextprotocol/conformance')
const PROGRAM = path.join(SUITE, 'dist/index.js')
const REVISIONS = ['2025-11-25', '2026-07-28']
const run = promisify(execFile)

/** What a scenario has found. */
interface Row {
  readonly scenario: string
  readonly passed: number
  /** Checks that the suite itself has left out, such as for what a server need not have. */
  readonly skipped: number
  readonly faults: readonly string[]
}

let server: TestServer
let owner: Client
let door: AsyncDisposable & { readonly url: string }
const results = new Map<string, readonly Row[]>()

beforeAll(async () => {
  const port = await freePort()
  server = await startTestServer({
    env: {
      CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
      // The suite sends the address that it asks as its origin.
      CODER_MCP_ALLOWED_ORIGINS: ['127.0.0.1', 'localhost', '[::1]']
        .map((host) => `http://${host}:${port}`)
        .join(','),
    },
    mcpExtension: conformanceFeatures,
  })
  owner = await server.owner()
  door = await authenticatingProxy(server.url, bearer(owner), port)
})
afterAll(async () => {
  await door[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

it.each(REVISIONS)('issue 4: passes every server scenario of %s', { timeout: 300_000 }, async (revision) => {
  await using results = await folder()
  // It fails with scenarios that no revision asks for: what it has found is in its files.
  await run(
    process.execPath,
    [PROGRAM, 'server', '--url', `${door.url}${MCP_PATH}`, '--requirements', revision, '-o', results.path],
    { maxBuffer: 64 * 1024 * 1024 },
  ).catch(() => undefined)
  const wanted = await scenariosOf(revision)
  const rows = (await readRows(results.path, 'server-')).filter(({ scenario }) => wanted.has(scenario))
  report(revision, rows)
  expect(rows.map(({ scenario }) => scenario)).toEqual([...wanted].sort())
  expect(rows.filter(({ faults }) => faults.length > 0)).toEqual([])
})

it('issue 4: passes the scenarios for authorization servers', { timeout: 120_000 }, async () => {
  await owner.call(updateOAuth2Settings, { body: { dynamic_client_registration_enabled: true } })
  await using results = await folder()
  const port = await freePort()
  const client = await server.anonymous.call(registerOAuth2Client, {
    body: {
      client_name: 'conformance',
      redirect_uris: [`http://127.0.0.1:${port}/callback`],
      token_endpoint_auth_method: 'none',
    },
  })
  const options = ['--url', server.url, '--client-id', client.client_id, '-p', String(port)]
  const resource = ['--resource', `${server.url}${MCP_PATH}`, '-o', results.path]
  const suite = spawn(process.execPath, [PROGRAM, 'authorization', ...options, ...resource])
  const ended = once(suite, 'exit')
  let said = ''
  let agreed: Promise<void> | undefined
  suite.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
    const [address] = /https?:\/\/\S*\/oauth2\/authorize\?\S+/.exec(said) ?? []
    if (address !== undefined) agreed ??= agree(address)
  })
  await ended
  await agreed
  const rows = await readRows(results.path, 'authorization-')
  report('authorization server', rows)
  expect(rows).toHaveLength(2)
  expect(rows.filter(({ faults }) => faults.length > 0)).toEqual([])
})

it('issue 4: the documentation shows what was found', async () => {
  const { version } = JSON.parse(await readFile(path.join(SUITE, 'package.json'), 'utf8'))
  await expect(table(version)).toMatchFileSnapshot(path.join(ROOT, 'docs/mcp-conformance.md'))
})

/** A person in a browser who agrees. */
async function agree(address: string): Promise<void> {
  const answer = await fetch(address, { method: 'POST', redirect: 'manual', headers: { ...owner.headers } })
  await fetch(answer.headers.get('location') ?? '')
}

function report(part: string, rows: readonly Row[]): void {
  results.set(part, rows)
}

function table(version: string): string {
  const rows = [...results].flatMap(([part, found]) =>
    found.map(
      ({ scenario, passed, skipped, faults }) =>
        `| ${part} | \`${scenario}\` | ${passed} | ${skipped} | ${faults.length} | ${faults.length === 0 ? 'passes' : 'fails'} |`,
    ),
  )
  return `# MCP conformance

What \`@modelcontextprotocol/conformance\` ${version} finds in this server: every scenario that it has for servers of the two
latest revisions, without those of optional extensions, and those for authorization servers. The tools, resources and
prompts that the scenarios ask for are in the tests alone. This page is generated by
\`npm test -- packages/server/src/mcp-server/conformance.test.ts -u\`, and the tests fail when it is stale.

| revision | scenario | passed checks | skipped checks | failed checks | result |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`
}

/** The scenarios for servers that a revision has, with those that were written for it after its release. */
async function scenariosOf(revision: string): Promise<ReadonlySet<string>> {
  const file = await readFile(path.join(SUITE, 'requirements', `${revision}.yaml`), 'utf8')
  const { server: required, not_scored } = parse(file) as {
    server: string[]
    not_scored: { scenario: string; leg: string; reason: string }[]
  }
  const later = not_scored.filter(({ leg, reason }) => leg === 'server' && reason !== 'extension')
  return new Set([...required, ...later.map(({ scenario }) => scenario)])
}

async function readRows(results: string, prefix: string): Promise<Row[]> {
  const rows: Row[] = []
  for (const file of await readdir(results, { recursive: true })) {
    if (!file.endsWith('checks.json')) continue
    const checks: { id: string; status: string; errorMessage?: string }[] = JSON.parse(
      await readFile(path.join(results, file), 'utf8'),
    )
    const count = (status: string): number => checks.filter((check) => check.status === status).length
    rows.push({
      scenario: path
        .basename(path.dirname(file))
        .replace(/-\d{4}-\d\d-\d\dT.*$/, '')
        .slice(prefix.length),
      passed: count('SUCCESS'),
      skipped: count('SKIPPED'),
      faults: checks
        .filter(({ status }) => status === 'FAILURE' || status === 'WARNING')
        .map(({ id, errorMessage = '' }) => `${id}: ${errorMessage}`),
    })
  }
  return rows.sort((a, b) => (a.scenario < b.scenario ? -1 : 1))
}

async function folder(): Promise<AsyncDisposable & { readonly path: string }> {
  const made = await mkdtemp(path.join(tmpdir(), 'slipway-conformance-'))
  return {
    path: made,
    [Symbol.asyncDispose]: () => rm(made, { recursive: true, force: true }),
  }
}

/** The suite signs in nowhere: what it sends gets a credential on the way. */
async function authenticatingProxy(
  target: string,
  headers: Record<string, string>,
  port: number,
): Promise<AsyncDisposable & { readonly url: string }> {
  const proxy = createServer((incoming, outgoing) => {
    const onward = request(
      new URL(incoming.url ?? '/', target),
      { method: incoming.method ?? 'GET', headers: { ...incoming.headers, ...headers } },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        outgoing.flushHeaders()
        answer.pipe(outgoing)
      },
    )
    onward.on('error', () => outgoing.destroy())
    outgoing.on('close', () => onward.destroy())
    incoming.pipe(onward)
  })
  await new Promise<void>((resolve) => proxy.listen(port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      proxy.closeAllConnections()
      await new Promise((resolve) => proxy.close(resolve))
    },
  }
}
