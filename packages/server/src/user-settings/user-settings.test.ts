import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  createToken,
  getAppearance,
  getPreferences,
  getQuietHours,
  getUser,
  type UpdateUserAppearanceSettingsRequest,
  type UpdateUserPreferenceSettingsRequest,
  updateAppearance,
  updatePreferences,
  updateQuietHours,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'

let server: TestServer
let owner: Client
let member: Client
let other: Client

/** The day before the clocks of Europe are put forward. */
const clock = { now: () => new Date('2026-03-28T12:00:00Z') }

beforeAll(async () => {
  server = await startTestServer({ clock })
  owner = await server.owner()
  member = await server.user('member')
  other = await server.user('other')
})
afterAll(() => server[Symbol.asyncDispose]())

const looks = (client: Client, user = 'me') => client.call(getAppearance, { params: { user } })
const look = (client: Client, body: UpdateUserAppearanceSettingsRequest, user = 'me') =>
  client.call(updateAppearance, { params: { user }, body })
const preferences = (client: Client, user = 'me') => client.call(getPreferences, { params: { user } })
const prefer = (client: Client, body: UpdateUserPreferenceSettingsRequest, user = 'me') =>
  client.call(updatePreferences, { params: { user }, body })
const quiet = (client: Client, user = 'me') => client.call(getQuietHours, { params: { user } })
const hush = (client: Client, schedule: string, user = 'me') =>
  client.call(updateQuietHours, { params: { user }, body: { schedule } })

const faults = (...fields: string[]) => ({
  status: 400,
  message: 'Validation failed.',
  validations: fields.map((field) => ({ field, detail: expect.any(String) })),
})

/** Puts a body that the types do not allow. */
async function put(client: Client, setting: string, body: unknown): Promise<unknown> {
  const response = await fetch(`${client.url}/api/v2/users/me/${setting}`, {
    method: 'PUT',
    headers: client.headers,
    body: JSON.stringify(body),
  })
  return { status: response.status, ...((await response.json()) as object) }
}

describe('ID-200: appearance', () => {
  const font = 'fira-code'

  it('ID-200: is empty until it is chosen', async () => {
    expect(await looks(other)).toEqual({
      theme_preference: '',
      theme_mode: '',
      theme_light: '',
      theme_dark: '',
      terminal_font: '',
    })
  })

  it('ID-200: mode and themes stay when the mode is left out, and an old auto preference clears the mode', async () => {
    const sync = {
      theme_mode: 'sync',
      theme_light: 'light-tritan',
      theme_dark: 'dark-protan-deuter',
    } as const
    const first = await look(member, { theme_preference: 'light', terminal_font: font, ...sync })
    expect(first).toEqual({ theme_preference: 'light', terminal_font: font, ...sync })

    const older = { theme_preference: 'dark', terminal_font: 'geist-mono' } as const
    expect(await look(member, older)).toEqual({ ...older, ...sync })
    expect(await look(member, { ...older, theme_mode: '', theme_light: 'dark' })).toEqual({
      ...older,
      ...sync,
    })

    const auto = { theme_preference: 'auto-tritan', terminal_font: 'geist-mono' } as const
    expect(await look(member, auto)).toEqual({ ...auto, ...sync, theme_mode: '' })
    expect(await looks(member)).toEqual({ ...auto, ...sync, theme_mode: '' })
  })

  it('ID-200: in single mode an empty theme keeps the stored one', async () => {
    const base = { theme_preference: 'dark', terminal_font: font } as const
    await look(member, { ...base, theme_mode: 'sync', theme_light: 'light', theme_dark: 'dark' })
    expect(
      await look(member, { ...base, theme_mode: 'single', theme_light: '', theme_dark: 'dark-tritan' }),
    ).toEqual({
      ...base,
      theme_mode: 'single',
      theme_light: 'light',
      theme_dark: 'dark-tritan',
    })
  })

  it('ID-200: sync needs both themes, and every request preference and font', async () => {
    const base = { theme_preference: 'dark', terminal_font: font } as const
    const before = await looks(member)
    await expect(look(member, { ...base, theme_mode: 'sync', theme_light: 'light' })).rejects.toMatchObject(
      faults('theme_dark'),
    )
    await expect(look(member, { ...base, theme_mode: 'sync' })).rejects.toMatchObject(
      faults('theme_light', 'theme_dark'),
    )
    await expect(look(member, { ...base, terminal_font: '' })).rejects.toMatchObject(faults('terminal_font'))
    await expect(look(member, { ...base, theme_preference: '' })).rejects.toMatchObject(
      faults('theme_preference'),
    )
    expect(await put(member, 'appearance', {})).toMatchObject(faults('theme_preference', 'terminal_font'))
    expect(await looks(member)).toEqual(before)
  })

  it.each([
    ['terminal_font', 'comic-sans'],
    ['theme_mode', 'both'],
    ['theme_light', 'blue'],
    ['theme_dark', 'dark-blue'],
  ])('ID-200: %s may not be %s', async (field, value) => {
    const body = { theme_preference: 'dark', terminal_font: font, [field]: value }
    expect(await put(member, 'appearance', body)).toMatchObject(faults(field))
  })
})

describe('ID-201: preferences', () => {
  const defaults = {
    task_notification_alert_dismissed: false,
    thinking_display_mode: 'auto',
    shell_tool_display_mode: 'always_collapsed',
    code_diff_display_mode: '',
    agent_chat_send_shortcut: 'enter',
  }

  it('ID-201: have defaults, and an update changes what it gives', async () => {
    expect(await preferences(member)).toEqual(defaults)
    const changed = { ...defaults, thinking_display_mode: 'preview', task_notification_alert_dismissed: true }
    expect(
      await prefer(member, { thinking_display_mode: 'preview', task_notification_alert_dismissed: true }),
    ).toEqual(changed)
    expect(await prefer(member, { agent_chat_send_shortcut: 'modifier_enter' })).toEqual({
      ...changed,
      agent_chat_send_shortcut: 'modifier_enter',
    })
    expect(await prefer(member, { task_notification_alert_dismissed: false })).toEqual({
      ...changed,
      agent_chat_send_shortcut: 'modifier_enter',
      task_notification_alert_dismissed: false,
    })
    expect(await prefer(member, {})).toEqual(await preferences(member))
    expect(await preferences(other)).toEqual(defaults)
  })

  it('ID-201: what was read may be written back', async () => {
    const read = await preferences(other)
    expect(await prefer(other, read)).toEqual(read)
  })

  it.each([
    ['thinking_display_mode', 'sometimes'],
    ['shell_tool_display_mode', 'preview'],
    ['code_diff_display_mode', 'preview'],
    ['agent_chat_send_shortcut', 'space'],
    ['task_notification_alert_dismissed', 'yes'],
  ])('ID-201: %s may not be %s, and nothing else of the request is stored', async (field, value) => {
    const before = await preferences(other)
    const body = { thinking_display_mode: 'preview', [field]: value }
    expect(await put(other, 'preferences', body)).toMatchObject(faults(field))
    expect(await preferences(other)).toEqual(before)
  })

  it('ID-201: a stored value that nobody knows any more reads as the default', async () => {
    await using database = await openDatabase(server.databaseUrl)
    const somebody = await server.user('somebody')
    const { id } = await somebody.call(getUser, { params: { user: 'me' } })
    for (const key of [
      'thinking_display_mode',
      'code_diff_display_mode',
      'task_notification_alert_dismissed',
    ])
      await fixtures.userConfig(database.db, { user_id: id, key, value: 'of another release' })
    expect(await preferences(somebody)).toEqual(defaults)
  })
})

describe('WS-231: quiet hours', () => {
  it('WS-231: are those of the deployment until the user sets others', async () => {
    expect(await quiet(member)).toEqual({
      raw_schedule: 'CRON_TZ=UTC 0 0 * * *',
      user_set: false,
      user_can_set: true,
      time: '00:00',
      timezone: 'UTC',
      next: '2026-03-29T00:00:00.000Z',
    })
    const own = {
      raw_schedule: 'CRON_TZ=Europe/Berlin 5 4 * * *',
      user_set: true,
      user_can_set: true,
      time: '04:05',
      timezone: 'Europe/Berlin',
      // The night before, the clocks there were put forward.
      next: '2026-03-29T02:05:00.000Z',
    }
    expect(await hush(member, ' CRON_TZ=Europe/Berlin  05 4 * * * ')).toEqual(own)
    expect(await quiet(member)).toEqual(own)
    expect(await quiet(other)).toMatchObject({ user_set: false })
    expect(await hush(member, '30 13 * * *')).toMatchObject({
      raw_schedule: 'CRON_TZ=UTC 30 13 * * *',
      next: '2026-03-28T13:30:00.000Z',
    })
    expect(await hush(member, '')).toMatchObject({ raw_schedule: 'CRON_TZ=UTC 0 0 * * *', user_set: false })
  })

  it.each([
    'soon',
    '0 0',
    '0 0 * * 1-5',
    '0 0 1 * *',
    '0 0 * 1 *',
    '0,30 0 * * *',
    '*/5 0 * * *',
    '0 * * * *',
    '0 0-3 * * *',
    '60 0 * * *',
    '0 24 * * *',
    '0 0 * * * *',
    'CRON_TZ=Moon/Base 0 0 * * *',
    'CRON_TZ= 0 0 * * *',
  ])('WS-231: %s is no daily single time', async (schedule) => {
    await expect(hush(member, schedule)).rejects.toMatchObject({
      status: 400,
      validations: [{ field: 'schedule' }],
    })
  })

  it('WS-231: where users may not choose, they get 403 and the default, whatever they had chosen before', async () => {
    await hush(other, '30 13 * * *')
    await using strict = await startTestServer({
      databaseUrl: server.databaseUrl,
      clock,
      env: {
        CODER_ALLOW_CUSTOM_QUIET_HOURS: 'false',
        CODER_QUIET_HOURS_DEFAULT_SCHEDULE: 'CRON_TZ=Asia/Tokyo 30 3 * * *',
      },
    })
    const there = new Client({ url: strict.url, token: other.headers['Coder-Session-Token'] })
    const expected = { timezone: 'Asia/Tokyo', time: '03:30', user_set: false, user_can_set: false }
    expect(await quiet(there)).toMatchObject(expected)
    await expect(hush(there, '0 0 * * *')).rejects.toMatchObject({ status: 403 })
    await expect(hush(there, '')).rejects.toMatchObject({ status: 403 })
  })

  it('WS-231: a change moves no deadline', async () => {
    await using database = await openDatabase(server.databaseUrl)
    const { db } = database
    const { id, organization_ids } = await member.call(getUser, { params: { user: 'me' } })
    const organization_id = organization_ids[0] ?? ''
    const template = await fixtures.template(db, { organization_id })
    const workspace = await fixtures.workspace(db, { owner_id: id, organization_id, template })
    const at = new Date('2026-03-28T20:00:00Z')
    const build = await fixtures.workspaceBuild(db, { workspace, deadline: at, max_deadline: at })
    await hush(member, '0 23 * * *')
    const row = await db
      .selectFrom('workspace_builds')
      .select(['deadline', 'max_deadline'])
      .where('id', '=', build.id)
      .executeTakeFirstOrThrow()
    expect(row).toEqual({ deadline: at, max_deadline: at })
  })
})

describe('ID-143: settings belong to their user', () => {
  const body = { theme_preference: 'dark', terminal_font: 'fira-code' } as const

  it('ID-91: another member finds nothing, and changes nothing', async () => {
    const refused = { status: 404 }
    await expect(looks(member, 'other')).rejects.toMatchObject(refused)
    await expect(look(member, body, 'other')).rejects.toMatchObject(refused)
    await expect(preferences(member, 'other')).rejects.toMatchObject(refused)
    await expect(prefer(member, {}, 'other')).rejects.toMatchObject(refused)
    await expect(quiet(member, 'other')).rejects.toMatchObject(refused)
    await expect(hush(member, '', 'other')).rejects.toMatchObject(refused)
    await expect(looks(server.anonymous)).rejects.toMatchObject({ status: 401 })
  })

  it('ID-92: who may read users and not their personal data gets 404 and 403, never 500', async () => {
    const auditor = await server.user('auditor', ['auditor'])
    await expect(looks(auditor, 'member')).rejects.toMatchObject({ status: 404 })
    await expect(preferences(auditor, 'member')).rejects.toMatchObject({ status: 404 })
    await expect(quiet(auditor, 'member')).rejects.toMatchObject({ status: 404 })
    await expect(look(auditor, body, 'member')).rejects.toMatchObject({ status: 403 })
    await expect(prefer(auditor, {}, 'member')).rejects.toMatchObject({ status: 403 })
    await expect(hush(auditor, '', 'member')).rejects.toMatchObject({ status: 403 })
  })

  it('ID-200: an administrator of users may read and change them', async () => {
    expect(await look(owner, body, 'member')).toMatchObject(body)
    expect(await looks(member)).toMatchObject(body)
    expect(await hush(owner, '0 1 * * *', 'member')).toMatchObject({ time: '01:00' })
  })

  it('ID-75: a token without the scope gets nothing', async () => {
    const { key } = await member.call(createToken, {
      params: { user: 'me' },
      body: { scopes: ['user:read'] },
    })
    const scoped = new Client({ url: server.url, token: key })
    await expect(looks(scoped)).rejects.toMatchObject({ status: 404 })
    await expect(look(scoped, body)).rejects.toMatchObject({ status: 403 })
  })
})
