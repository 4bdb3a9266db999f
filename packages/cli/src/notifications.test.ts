import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { getNotificationsSettings, listInboxNotifications } from '@slipway/contract'
import { startTestServer, type TestServer, until } from '@slipway/testkit'
import { CommandLine } from './testing/command-line.ts'

let server: TestServer
let owner: Client
let ada: Client
let folder: string
let cli: CommandLine
let member: CommandLine

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-cli-'))
  server = await startTestServer()
  owner = await server.owner()
  ada = await server.user('ada')
  cli = new CommandLine(folder)
  await cli.good('login', server.url, '--token', tokenOf(owner))
  member = new CommandLine(await mkdtemp(path.join(folder, 'member-')))
  await member.good('login', server.url, '--token', tokenOf(ada))
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const tokenOf = (client: Client) => client.headers['Coder-Session-Token'] ?? ''
const arrived = (client: Client, title: string) =>
  until(`${title} in the inbox`, async () => {
    const { notifications } = await client.call(listInboxNotifications)
    return notifications.find((one) => one.title === title)
  })

describe('OP-138: notifications by the command line', () => {
  it('are paused and resumed by administrators, however often that is said', async () => {
    for (const [word, paused, now] of [
      ['pause', true, 'paused'],
      ['pause', true, 'paused'],
      ['resume', false, 'sent'],
      ['resume', false, 'sent'],
    ] as const) {
      expect(await cli.run('notifications', word)).toEqual({
        code: 0,
        stdout: '',
        stderr: `Notifications are now ${now}.\n`,
      })
      expect(await owner.call(getNotificationsSettings)).toEqual({ notifier_paused: paused })
    }
    const denied = await member.run('notifications', 'pause')
    expect([denied.code, denied.stdout]).toEqual([1, ''])
    expect(await owner.call(getNotificationsSettings)).toEqual({ notifier_paused: false })
  })

  it('are tried by administrators', async () => {
    expect(await cli.run('notifications', 'test')).toMatchObject({ code: 0, stdout: '' })
    expect(await arrived(owner, 'This is a test notification')).toBeDefined()
    expect((await member.run('notifications', 'test')).code).toBe(1)
  })

  it('are written by anybody, to themselves', async () => {
    expect(await member.run('notifications', 'custom', 'Tests have passed', 'All of *them*')).toMatchObject({
      code: 0,
      stdout: '',
    })
    expect(await arrived(ada, 'Tests have passed')).toMatchObject({
      content: expect.stringContaining('All of'),
    })
    const long = await member.run('notifications', 'custom', 'x'.repeat(121), 'y')
    expect(long).toMatchObject({ code: 1, stderr: expect.stringContaining('must be at most 120 bytes') })
  })

  it.each([
    [['custom'], "missing required argument 'title'"],
    [['custom', 'only one'], "missing required argument 'message'"],
    [['custom', 'a', 'b', 'c'], 'too many arguments'],
    [['test', 'me'], 'too many arguments'],
  ])('say what is wrong with %j', async (args, message) => {
    const ran = await cli.run('notifications', ...args)
    expect(ran.code).not.toBe(0)
    expect(ran.stderr).toContain(message)
  })
})
