import { afterAll, beforeAll, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  addLicense,
  deleteLicense,
  FEATURES,
  getBuildInfo,
  getEntitlements,
  listLicenses,
  listRegions,
  refreshEntitlements,
  requestTrialLicense,
} from '@slipway/contract'
import { startTestServer, type TestServer } from '@slipway/testkit'

let server: TestServer
let owner: Client
let member: Client

beforeAll(async () => {
  server = await startTestServer({
    env: {
      CODER_BROWSER_ONLY: 'true',
      CODER_AI_GATEWAY_ENABLED: 'false',
      CODER_WILDCARD_ACCESS_URL: '*.apps.example',
    },
  })
  owner = await server.owner()
  member = await server.user('member')
})
afterAll(() => server[Symbol.asyncDispose]())

it('OP-150, OP-151: everybody who is signed in reads that every feature may be used', async () => {
  const found = await member.call(getEntitlements)
  expect(Object.keys(found.features).toSorted()).toEqual([...FEATURES].toSorted())
  expect(FEATURES).toHaveLength(28)
  for (const [name, feature] of Object.entries(found.features))
    expect([name, feature.entitlement]).toEqual([name, 'entitled'])
  expect(found).toMatchObject({
    has_license: true,
    trial: false,
    require_telemetry: false,
    warnings: [],
    errors: [],
  })
  await expect(server.anonymous.call(getEntitlements)).rejects.toMatchObject({ status: 401 })
})

it('OP-151: what settings switch is shown as they have it, and users are counted without a limit', async () => {
  const { features } = await owner.call(getEntitlements)
  const off = Object.entries(features).flatMap(([name, { enabled }]) => (enabled ? [] : [name]))
  expect(off.toSorted()).toEqual(['aibridge', 'external_token_encryption', 'multiple_external_auth', 'scim'])
  expect(features.user_limit).toEqual({ entitlement: 'entitled', enabled: true, actual: 2 })
  expect(features.browser_only).toEqual({ entitlement: 'entitled', enabled: true })
})

it('OP-152: no answer warns of a licence', async () => {
  const answer = await fetch(`${server.url}/api/v2/users/me`, { headers: owner.headers })
  expect(answer.headers.get('x-coder-entitlements-warning')).toBeNull()
})

it('OP-153: there are no licences, and no call for them does harm', async () => {
  expect(await owner.call(listLicenses)).toEqual([])
  expect(await member.call(listLicenses)).toEqual([])
  const params = { id: '1' }
  const body = { license: 'x' }
  await expect(owner.call(addLicense, { body })).rejects.toMatchObject({
    status: 400,
    message: 'Invalid license',
  })
  await expect(owner.call(requestTrialLicense)).rejects.toMatchObject({ status: 409 })
  await expect(owner.call(deleteLicense, { params })).rejects.toMatchObject({
    status: 404,
    message: 'Unknown license ID',
  })
  expect(await owner.call(refreshEntitlements)).toEqual({ message: 'Entitlements updated' })
  const again = await fetch(`${server.url}/api/v2/licenses/refresh-entitlements`, {
    method: 'POST',
    headers: owner.headers,
  })
  expect(again.status).toBe(400)
  expect(Number(again.headers.get('retry-after'))).toBeGreaterThan(50)
  for (const call of [
    member.call(addLicense, { body }),
    member.call(requestTrialLicense),
    member.call(refreshEntitlements),
  ])
    await expect(call).rejects.toMatchObject({ status: 403 })
})

it('AC-230: the server itself is the first region', async () => {
  const { deployment_id } = await member.call(getBuildInfo)
  expect(await member.call(listRegions)).toEqual({
    regions: [
      {
        id: deployment_id,
        name: 'primary',
        display_name: 'Default',
        icon_url: '',
        healthy: true,
        path_app_url: server.url,
        wildcard_hostname: '*.apps.example',
      },
    ],
  })
})
