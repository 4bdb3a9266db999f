import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { json } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

import { expect, it, onTestFinished } from 'vitest'
import { parse } from 'yaml'

import { runClient } from './client.fixture.ts'

/** What a revision asks of clients, as the suite has it. */
interface Requirements {
  readonly client: readonly string[]
  readonly not_scored: readonly { readonly scenario: string; readonly leg: string; readonly reason: string }[]
}

interface Row {
  readonly revision: string
  readonly scenario: string
  readonly result: string
}

const AT_ONCE = 4
const RUN_MS = 60_000
const relay = fileURLToPath(new URL('relay.fixture.ts', import.meta.url))
const suite = path.dirname(
  createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json'),
)

/** Of the first revision, which the suite has no list for. */
const FIRST: readonly Row[] = [
  { revision: '2025-03-26', scenario: 'auth/2025-03-26-oauth-metadata-backcompat', result: 'to run' },
  {
    revision: '2025-03-26',
    scenario: 'auth/2025-03-26-oauth-endpoint-fallback',
    result: 'refused: a server without metadata does not say that it supports PKCE',
  },
]

async function rowsOf(revision: string): Promise<Row[]> {
  const file = path.join(suite, 'requirements', `${revision}.yaml`)
  const { client, not_scored: others }: Requirements = parse(await readFile(file, 'utf8'))
  return [
    ...client.map((scenario) => ({ revision, scenario, result: 'to run' })),
    ...others
      .filter(({ leg }) => leg === 'client')
      .map(({ scenario, reason }) => ({
        revision,
        scenario,
        result: reason === 'extension' ? 'not offered: an extension' : 'to run',
      })),
  ]
}

/** Runs our client for the relays of the suite. */
async function openDoor(): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((incoming, outgoing) => {
    const lines: string[] = []
    void json(incoming)
      .then((asked) => {
        const { url, context } = Object(asked)
        return runClient(String(url), { ...context }, (line) => void lines.push(line))
      })
      .then((passed) => outgoing.end(JSON.stringify({ passed, said: `${lines.join('\n')}\n` })))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Runs our client against the suite's server; what failed, in its words. */
function run({ revision, scenario }: Row, door: string, cache: string): Promise<string> {
  const command = `${process.execPath} ${relay} ${door}`
  const args = ['client', '--scenario', scenario, '--spec-version', revision, '--command', command]
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [path.join(suite, 'dist/index.js'), ...args],
      {
        timeout: RUN_MS,
        maxBuffer: 8 * 1024 * 1024,
        env: { ...process.env, NODE_COMPILE_CACHE: cache },
      },
      (error, stdout, stderr) => {
        if (error === null) return resolve('passed')
        const failed = `${stdout}${stderr}`.split('\n').filter((line) => /FAILURE|EXITED|Error/.test(line))
        resolve(`failed: ${failed.slice(0, 3).join(' ').slice(0, 400) || error.message}`)
      },
    )
  })
}

it('issue 4: our client passes what the conformance suite asks of clients of each revision', async () => {
  await using door = await openDoor()
  // Of the suite and the relay, which are started again and again.
  const cache = await mkdtemp(path.join(tmpdir(), 'slipway-conformance-'))
  onTestFinished(() => rm(cache, { recursive: true, force: true }))
  const rows = [...(await rowsOf('2026-07-28')), ...(await rowsOf('2025-11-25')), ...FIRST]
  const results = new Map<Row, string>()
  const waiting = rows.values()
  const work = async (): Promise<void> => {
    for (const row of waiting)
      results.set(row, row.result === 'to run' ? await run(row, door.url, cache) : row.result)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  const { version } = JSON.parse(await readFile(path.join(suite, 'package.json'), 'utf8'))
  const table = [
    '# MCP client: conformance',
    '',
    `What \`@modelcontextprotocol/conformance\` ${version} finds of the client with which chats use MCP servers outside.`,
    'Written by `packages/server/src/mcp-servers/conformance/conformance.test.ts`, which fails when a result differs;',
    '`npm test -- conformance.test.ts -u` writes it anew.',
    '',
    '| revision | scenario | result |',
    '| --- | --- | --- |',
    ...rows.map((row) => `| ${row.revision} | ${row.scenario} | ${results.get(row)} |`),
    '',
  ].join('\n')
  const page = fileURLToPath(new URL('../../../../../docs/mcp-client-conformance.md', import.meta.url))
  await expect(table).toMatchFileSnapshot(page)
  expect(rows.filter((row) => results.get(row)?.startsWith('failed'))).toEqual([])
}, 900_000)
