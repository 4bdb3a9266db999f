import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  getDeploymentAppearance,
  getUser,
  listAuditLogs,
  type UpdateAppearance,
  updateDeploymentAppearance,
} from '@slipway/contract'
import { makeTenant, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'

const LINKS = [{ name: 'Help', target: 'https://help.example', icon: 'bug' }]
const BANNER = { enabled: true, message: 'Down at **noon**', background_color: '#1F6F6B' }
const NOTHING = { application_name: '', logo_url: '', announcement_banners: [] }

let server: TestServer
let owner: Client
let member: Client

beforeAll(async () => {
  server = await startTestServer({
    env: { CODER_SUPPORT_LINKS: JSON.stringify(LINKS), CODER_DOCS_URL: 'https://docs.example' },
  })
  owner = await server.owner()
  member = await server.user('member')
})
afterAll(() => server[Symbol.asyncDispose]())

const put = (client: Client, body: UpdateAppearance) => client.call(updateDeploymentAppearance, { body })
const text = async (path: string, client = server.anonymous) =>
  (await fetch(server.url + path, { headers: client.headers })).text()

describe('OP-154: the appearance', () => {
  it('is empty until somebody sets it, and names the links of the operator', async () => {
    expect(await member.call(getDeploymentAppearance)).toEqual({
      ...NOTHING,
      docs_url: 'https://docs.example',
      service_banner: { enabled: false, message: '', background_color: '' },
      support_links: LINKS,
    })
  })

  it('is for who is signed in and for agents, and for nobody else', async () => {
    await using database = await openDatabase(server.databaseUrl, { maxConnections: 1 })
    const { id: ownerId, organization_ids } = await owner.call(getUser, { params: { user: 'me' } })
    const tenant = await makeTenant(database, { ownerId, organizationId: organization_ids[0] ?? '' })
    const status = async (token: string) =>
      (await fetch(`${server.url}/api/v2/appearance`, { headers: { 'Coder-Session-Token': token } })).status
    expect(await status(tenant.agentToken)).toBe(200)
    expect(await status(crypto.randomUUID())).toBe(401)
    await expect(server.anonymous.call(getDeploymentAppearance)).rejects.toMatchObject({ status: 401 })
  })

  it('is set by administrators of the deployment, answered as it was sent, and written down', async () => {
    await expect(put(member, { application_name: 'Mine' })).rejects.toMatchObject({ status: 403 })
    await expect(
      put(owner, { announcement_banners: [{ ...BANNER, background_color: 'teal' }] }),
    ).rejects.toMatchObject({ status: 400, message: 'Invalid color format: "teal"' })
    const settings = {
      application_name: 'Acme & Co <dev>',
      logo_url: 'https://acme.example/logo.svg',
      announcement_banners: [BANNER, { ...BANNER, enabled: false, message: 'Later' }],
    }
    expect(await put(owner, settings)).toEqual(settings)
    expect(await member.call(getDeploymentAppearance)).toMatchObject({ ...settings, service_banner: BANNER })
    await until('the entry', async () => {
      const { audit_logs } = await owner.call(listAuditLogs, {
        query: { q: 'resource_type:appearance_settings', limit: 10, offset: 0 },
      })
      return audit_logs.some(({ diff }) => diff.application_name?.new === settings.application_name)
    })
  })

  it('is on every page that names the product, announcements only for who is signed in', async () => {
    const name = 'Acme &#38; Co &#60;dev&#62;'
    const signedOut = await text('/login')
    expect(signedOut).toContain(`<title>${name}</title>`)
    expect(signedOut).not.toContain('noon')
    const signedIn = await text('/workspaces', member)
    expect(signedIn).toContain('Down at **noon**')
    // Pages that the server makes itself.
    expect(await text('/oauth2/authorize?client_id=x', member)).toContain(
      ' - Acme &amp; Co &lt;dev&gt;</title>',
    )
    const manifest: unknown = JSON.parse(await text('/manifest.json'))
    expect(manifest).toMatchObject({ name: 'Acme & Co <dev>', start_url: '/agents', scope: '/' })
  })

  it('UI-106, UI-1603: what the manifest and templates name is there, as PNG', async () => {
    const fromTemplates = ['aws', 'azure', 'do', 'docker', 'gcp', 'k8s', 'ruby'].map((name) => `icon/${name}`)
    for (const file of [...fromTemplates, 'pwa-icon-192', 'pwa-icon-512', 'apple-touch-icon']) {
      const response = await fetch(`${server.url}/${file}.png`)
      const start = Buffer.from(await response.arrayBuffer()).subarray(1, 4)
      expect([file, response.headers.get('content-type'), start.toString()]).toEqual([
        file,
        'image/png',
        'PNG',
      ])
    }
  })

  it('what is left out is empty', async () => {
    expect(await put(owner, { announcement_banners: null })).toEqual(NOTHING)
    expect(await text('/login')).toContain('<title>Slipway</title>')
  })

  it('a change on one replica is seen on the others', async () => {
    await using other = await startTestServer({ databaseUrl: server.databaseUrl })
    const name = `Harbour ${crypto.randomUUID()}`
    await put(owner, { application_name: name })
    await until('the name', async () =>
      (await (await fetch(`${other.url}/login`)).text()).includes(`<title>${name}</title>`),
    )
  })
})
