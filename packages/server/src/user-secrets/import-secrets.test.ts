import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createUserSecret,
  deleteUserSecret,
  importUserSecrets,
  listUserSecrets,
  type SecretsFileFormat,
} from '@slipway/contract'
import { startTestServer, type TestServer } from '@slipway/testkit'

let server: TestServer
let member: Client

beforeAll(async () => {
  server = await startTestServer()
  member = await server.user('member')
})
afterAll(() => server[Symbol.asyncDispose]())
beforeEach(async () => {
  for (const { name } of await list()) await member.call(deleteUserSecret, { params: { ...params, name } })
})

const params = { user: 'me' }
const list = () => member.call(listUserSecrets, { params })
const load = (format: SecretsFileFormat, content: string) =>
  member.call(importUserSecrets, { params, body: { format, content } })
const create = (body: { name: string; env_name?: string; enabled?: boolean; value?: string }) =>
  member.call(createUserSecret, { params, body: { value: 'v', ...body } })
const refused = (status: number, ...fields: string[]) => ({
  status,
  message: 'Validation failed.',
  validations: fields.map((field) => ({ field, detail: expect.any(String) })),
})

it.each<[SecretsFileFormat, string]>([
  ['env', '\uFEFF# of the registry\r\nexport TOKEN="a\\nb"\r\nmy-key=\'x\'\r\nPATH=/bin\r\n'],
  ['json', '{"TOKEN": "a\\nb", "my-key": "x", "PATH": "/bin"}'],
  ['yaml', 'TOKEN: |-\n  a\n  b\nmy-key: x\nPATH: "/bin"\n'],
])(
  'ID-199: %s: keys that may name a variable become one, others are stored disabled',
  async (format, content) => {
    const made = await load(format, content)
    expect(made).toMatchObject([
      { name: 'TOKEN', env_name: 'TOKEN', file_path: '', enabled: true, description: '' },
      { name: 'my-key', env_name: '', file_path: '', enabled: false },
      { name: 'PATH', env_name: '', file_path: '', enabled: false },
    ])
    expect(JSON.stringify(made)).not.toContain('/bin')
    expect(await list()).toHaveLength(3)
  },
)

it('ID-199: one bad entry, and nothing is made; each fault names its secret', async () => {
  const content = `GOOD=1\nA/B=2\nEMPTY=\nGOOD=3\nBIG=${'x'.repeat(24 * 1024 + 1)}`
  await expect(load('env', content)).rejects.toMatchObject(refused(400, 'secrets[3].name'))
  await expect(load('env', content.replace('GOOD=3', 'ALSO=3'))).rejects.toMatchObject(
    refused(400, 'secrets[1].name', 'secrets[2].value', 'secrets[4].value'),
  )
  await expect(load('json', '{"A": "1", "B": 2, "C": null, "D": "\\u0000"}')).rejects.toMatchObject(
    refused(400, 'secrets[1].value', 'secrets[2].value'),
  )
  await expect(load('json', '{"A": "1", "D": "\\u0000", "E": "\\ud800"}')).rejects.toMatchObject(
    refused(400, 'secrets[1].value', 'secrets[2].value'),
  )
  await expect(load('yaml', 'A: x\nB: 1\nC: {d: e}\nA: x')).rejects.toMatchObject(
    refused(400, 'secrets[1].value', 'secrets[2].value', 'secrets[3].name'),
  )
  expect(await list()).toEqual([])
})

it('ID-199: names and variables that are taken are 409, and nothing is made', async () => {
  await create({ name: 'A', enabled: false })
  await create({ name: 'other', env_name: 'B' })
  await expect(load('env', 'NEW=1\nA=1\nB=2')).rejects.toMatchObject(
    refused(409, 'secrets[1].name', 'secrets[2].env_name'),
  )
  expect(await list()).toHaveLength(2)
})

it('ID-199: a file that cannot be read, or holds none, is refused', async () => {
  for (const [format, content] of [
    ['env', 'A'],
    ['env', '# nothing'],
    ['json', '[]'],
    ['json', '{}'],
    ['yaml', 'A: b: c'],
    ['yaml', '# nothing'],
  ] as const)
    await expect(load(format, content), content).rejects.toMatchObject(refused(400, 'content'))
  const body = { format: 'toml', content: 'A = 1' }
  const response = await fetch(`${server.url}/api/v2/users/me/secrets/batch`, {
    method: 'POST',
    headers: member.headers,
    body: JSON.stringify(body),
  })
  expect([response.status, await response.json()]).toMatchObject([
    400,
    { validations: [{ field: 'format' }] },
  ])
})

const lines = (count: number): string => Array.from({ length: count }, (_, n) => `KEY_${n}=v`).join('\n')

it('ID-199, ID-197: 50 entries at most, together with those that are there', async () => {
  await expect(load('env', lines(51))).rejects.toMatchObject(refused(400, 'content'))
  expect(await load('env', lines(50))).toHaveLength(50)
  await member.call(deleteUserSecret, { params: { ...params, name: 'KEY_0' } })
  await expect(load('env', 'X=1\nY=2')).rejects.toMatchObject({
    status: 400,
    message: expect.stringContaining('50 secrets'),
  })
  expect(await load('env', 'X=1')).toHaveLength(1)
  expect(await list()).toHaveLength(50)
})

it('ID-197: the limits of bytes hold for a file as a whole', async () => {
  const value = 'x'.repeat(10 * 1024)
  await expect(load('env', `A=${value}\nB=${value}\nC=${value}`)).rejects.toMatchObject({ status: 400 })
  expect(await list()).toEqual([])
  expect(await load('env', `A=${value}\nB=${value}\nc-d=${value}`)).toHaveLength(3)
})

it('ID-199: a file of 1 MiB is read however it is escaped; more of it, or of the request, is not', async () => {
  const mebibyte = 1024 * 1024
  const file = (bytes: number): string => `A=b\n#${'\u0001'.repeat(bytes - 5)}`
  expect(await load('env', file(mebibyte))).toHaveLength(1)
  await expect(load('env', file(mebibyte + 1))).rejects.toMatchObject(refused(400, 'content'))
  await expect(load('env', 'x'.repeat(8 * mebibyte))).rejects.toMatchObject({ status: 413 })
})

it('ID-199: of two imports at once that do not fit together, one is made as a whole', async () => {
  const results = await Promise.allSettled([
    load('env', lines(30)),
    load('env', lines(30).replaceAll('KEY', 'X')),
  ])
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(await list()).toHaveLength(30)
})
