import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterEach, beforeEach, expect, it } from 'vitest'

import { silentLogger } from '@slipway/request-log'
import { until } from '@slipway/testkit'
import { WorkspaceMcp } from './workspace-mcp.ts'

/** Answers once a file is there, and ends at once where `DIES` names no file that is there. */
const SERVER = `
const { existsSync } = require('node:fs')
if (process.env.DIES && !existsSync(process.env.DIES)) process.exit(1)
const answer = (id, result) => console.log(JSON.stringify({ jsonrpc: '2.0', id, result }))
const wait = (work) => existsSync(process.env.READY) ? work() : setTimeout(() => wait(work), 20)
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line)
  if (id !== undefined) wait(() => answer(id, method === 'tools/list' ? { tools: [{ name: 'go', inputSchema: {} }] } : {}))
})
`

let directory: string
const at = (name: string) => path.join(directory, name)

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'slipway-mcp-'))
  await writeFile(at('server.js'), SERVER)
})
afterEach(() => rm(directory, { recursive: true }))

async function open(more: Readonly<Record<string, string>>): Promise<WorkspaceMcp> {
  const server = { command: process.execPath, args: [at('server.js')], env: { READY: at('ready'), ...more } }
  await writeFile(at('.mcp.json'), JSON.stringify({ mcpServers: { one: server } }))
  return new WorkspaceMcp({ file: at('.mcp.json'), env: {}, directory, log: silentLogger() })
}

const names = async (mcp: WorkspaceMcp): Promise<readonly string[]> => {
  const answer = await mcp.tools()
  const tools: readonly { readonly name: string }[] = 'json' in answer ? Object(answer.json).tools : []
  return tools.map(({ name }) => name)
}

it('CH-1403: a server that takes longer than five seconds to start is there for a later turn', async () => {
  using mcp = await open({})
  expect(await names(mcp)).toEqual([])
  await writeFile(at('ready'), '')
  await until('its tools', async () => (await names(mcp)).includes('one__go'))
}, 30_000)

it('CH-1403: a server that could not be started is started again', async () => {
  await writeFile(at('ready'), '')
  using mcp = await open({ DIES: at('installed') })
  expect(await names(mcp)).toEqual([])
  await writeFile(at('installed'), '')
  await until('its tools', async () => (await names(mcp)).includes('one__go'))
}, 30_000)

it('CH-1403: a file that is longer than any is not read', async () => {
  await writeFile(at('ready'), '')
  using mcp = await open({ PADDING: 'x'.repeat(70_000) })
  expect(await names(mcp)).toEqual([])
})
