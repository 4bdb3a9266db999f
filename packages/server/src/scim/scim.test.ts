import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { createUser, getUser, listAuditLogs, type SCIMUser, updateUserRoles } from '@slipway/contract'
import { OidcDeployment, startTestServer, until } from '@slipway/testkit'

const SECRET = 'scim-secret-of-the-deployment'
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
const NIL = '00000000-0000-0000-0000-000000000000'

let deployment: OidcDeployment
let owner: Client

beforeAll(async () => {
  deployment = await OidcDeployment.start({ CODER_SCIM_AUTH_HEADER: SECRET })
  owner = deployment.owner
})
afterAll(() => deployment[Symbol.asyncDispose]())

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: SCIMUser & {
    totalResults: number
    itemsPerPage: number
    Resources: SCIMUser[]
    detail: string
    scimType?: string
    status: string
  }
}

async function ask(
  method: string,
  path: string,
  body?: unknown,
  {
    authorization = `Bearer ${SECRET}`,
    url = deployment.server.url,
  }: { authorization?: string; url?: string } = {},
): Promise<Answer> {
  const response = await fetch(`${url}/scim/v2${path}`, {
    method,
    headers: { authorization, 'content-type': 'application/scim+json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) }
}

let people = 0
/** Somebody whom the provider knows. */
function person(more: object = {}) {
  people += 1
  const userName = `Ann.Lee${people}@corp.example`
  return {
    schemas: [USER, 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'],
    userName,
    externalId: `ext-${people}`,
    name: { givenName: 'Ann', familyName: `Lee ${people}` },
    emails: [
      { value: `home${people}@corp.example`, type: 'home' },
      { value: userName, type: 'work', primary: true },
    ],
    active: true,
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: 'Ships' },
    ...more,
  }
}

const make = async (more: object = {}): Promise<SCIMUser> => {
  const { status, body } = await ask('POST', '/Users', person(more))
  expect([status, body.detail]).toEqual([200, undefined])
  return body
}
const account = (id: string) => owner.call(getUser, { params: { user: id } })
const find = async (filter: string): Promise<string[]> =>
  (await ask('GET', `/Users?filter=${encodeURIComponent(filter)}`)).body.Resources.map(({ id }) => id)

describe('L-31: SCIM for everybody', () => {
  it('RB-28: needs the secret of the deployment, as a bearer token or as it is', async () => {
    for (const authorization of ['', 'Bearer', 'Bearer wrong', `Basic ${SECRET}`, `Bearer ${SECRET}x`]) {
      const refused = await ask('GET', '/Users', undefined, { authorization })
      expect([authorization, refused.status]).toEqual([authorization, 401])
      expect(refused.headers.get('content-type')).toContain('application/scim+json')
      expect(refused.body).toMatchObject({
        schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
        status: '401',
      })
    }
    // The token of an owner is none.
    const token = owner.headers['Coder-Session-Token'] ?? ''
    expect((await ask('POST', '/Users', person(), { authorization: `Bearer ${token}` })).status).toBe(401)
    for (const authorization of [SECRET, `bearer ${SECRET}`])
      expect((await ask('GET', '/Users', undefined, { authorization })).status).toBe(200)
  })

  it('L-31: is off without a secret, and says how it is switched on', async () => {
    await using server = await startTestServer()
    for (const path of ['/Users', '/ServiceProviderConfig']) {
      const refused = await ask('GET', path, undefined, { url: server.url, authorization: 'Bearer ' })
      expect(refused.status).toBe(404)
      expect(refused.body.detail).toContain('CODER_SCIM_AUTH_HEADER')
    }
  })

  it('L-31: says what it can do', async () => {
    const config = await ask('GET', '/ServiceProviderConfig', undefined, { authorization: '' })
    expect(config.body).toMatchObject({
      patch: { supported: true },
      filter: { supported: true },
      bulk: { supported: false },
    })
    const types = await ask('GET', '/ResourceTypes')
    expect(types.body.Resources).toMatchObject([{ id: 'User', endpoint: '/Users', schema: USER }])
    expect((await ask('GET', '/Schemas')).body.Resources).toMatchObject([{ id: USER }])
    // UI-101: nothing here is a page of the dashboard.
    expect((await ask('GET', '/Groups')).status).toBe(404)
    const deleted = await ask('DELETE', `/Users/${NIL}`)
    expect([deleted.status, deleted.headers.get('allow')]).toEqual([405, 'GET, HEAD, PATCH, PUT'])
  })

  it('L-31: makes an account that its owner signs in to through the provider', async () => {
    const given = person()
    const { status, body, headers } = await ask('POST', '/Users', given)
    expect(status).toBe(200)
    expect(headers.get('content-type')).toContain('application/scim+json')
    expect(body).toMatchObject({
      schemas: [USER],
      externalId: given.externalId,
      userName: given.userName,
      displayName: `Ann Lee ${people}`,
      name: { formatted: `Ann Lee ${people}`, givenName: 'Ann', familyName: `Lee ${people}` },
      emails: [{ value: given.userName, primary: true, type: 'work' }],
      active: true,
      meta: { resourceType: 'User', location: `${deployment.server.url}/scim/v2/Users/${body.id}` },
    })
    expect(await account(body.id)).toMatchObject({
      username: `AnnLee${people}`,
      email: given.userName,
      name: `Ann Lee ${people}`,
      status: 'dormant',
      login_type: 'oidc',
      roles: [],
    })
    expect((await account(body.id)).organization_ids).toHaveLength(1)
    const { client } = await deployment.arrive({ email: given.userName, preferred_username: 'else' })
    const me = await client.call(getUser, { params: { user: 'me' } })
    expect(me).toMatchObject({ id: body.id, username: `AnnLee${people}`, status: 'active' })
    expect((await ask('GET', `/Users/${body.id}`)).body).toMatchObject({
      userName: given.userName,
      active: true,
    })
  })

  it('RB-102: what it does is recorded as nobody’s, in the name of SCIM', async () => {
    const { id } = await make()
    await ask('PATCH', `/Users/${id}`, {
      schemas: [PATCH],
      Operations: [{ op: 'replace', path: 'active', value: false }],
    })
    const { audit_logs: entries } = await owner.call(listAuditLogs, { query: { q: `resource_id:${id}` } })
    expect(entries).toMatchObject([
      {
        action: 'write',
        user: null,
        additional_fields: { automatic_actor: 'coder', automatic_subsystem: 'scim' },
      },
      { action: 'create', user: null, additional_fields: { automatic_subsystem: 'scim' } },
    ])
    expect(entries[0]?.diff).toMatchObject({ status: { old: 'dormant', new: 'suspended' } })
    expect(entries.map(({ user }) => user?.id ?? NIL)).toEqual([NIL, NIL])
  })

  it('L-31: who is switched off is out with the next request, and may come back', async () => {
    const { id, userName } = await make()
    const { client } = await deployment.arrive({ email: userName })
    expect((await client.call(getUser, { params: { user: 'me' } })).id).toBe(id)
    // As Entra ID says it.
    const off = await ask('PATCH', `/Users/${id}`, {
      schemas: [PATCH],
      Operations: [{ op: 'Replace', path: 'active', value: 'False' }],
    })
    expect([off.status, off.body.active]).toEqual([200, false])
    await expect(client.call(getUser, { params: { user: 'me' } })).rejects.toMatchObject({ status: 401 })
    // As earlier clients say it: a user with what changes.
    const on = await ask('PATCH', `/Users/${id}`, { schemas: [USER], active: true })
    expect([on.status, on.body.active]).toEqual([200, true])
    expect((await account(id)).status).toBe('dormant')
    expect((await client.call(getUser, { params: { user: 'me' } })).status).toBe('active')
    // To say once more what is so changes nothing.
    await ask('PUT', `/Users/${id}`, { schemas: [USER], userName, active: true })
    expect((await account(id)).status).toBe('active')
  })

  it('L-31: is told of new names and addresses; the username stays', async () => {
    const { id } = await make()
    const { username } = await account(id)
    const patched = await ask('PATCH', `/Users/${id}`, {
      schemas: [PATCH],
      Operations: [
        { op: 'add', value: { displayName: 'Ann Ray', 'name.familyName': 'Ray', nickName: 'Annie' } },
        { op: 'replace', path: `${USER}:emails[type eq "work"].value`, value: 'ann.ray@corp.example' },
        { op: 'replace', path: 'userName', value: 'ann.ray@corp.example' },
        { op: 'remove', path: 'externalId' },
        { op: 'add', path: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager', value: 'x' },
      ],
    })
    expect(patched.status).toBe(200)
    expect(patched.body).toMatchObject({
      userName: 'ann.ray@corp.example',
      name: { formatted: 'Ann Ray', givenName: 'Ann', familyName: 'Ray' },
      emails: [{ value: 'ann.ray@corp.example' }],
    })
    expect(patched.body.externalId).toBeUndefined()
    expect(await account(id)).toMatchObject({ username, email: 'ann.ray@corp.example', name: 'Ann Ray' })
    const replaced = await ask('PUT', `/Users/${id}`, {
      schemas: [USER],
      userName: 'ann.roe@corp.example',
      name: { givenName: 'Ann', familyName: 'Roe' },
      emails: [{ value: 'ann.roe@corp.example' }],
    })
    expect(replaced.body).toMatchObject({
      userName: 'ann.roe@corp.example',
      displayName: 'Ann Roe',
      active: true,
    })
    expect((await account(id)).username).toBe(username)
  })

  it('L-31: finds people by what it is asked for', async () => {
    const given = person()
    const { id } = (await ask('POST', '/Users', given)).body
    const { externalId, userName } = given
    for (const filter of [
      `userName eq "${userName.toUpperCase()}"`,
      `${USER}:userName Eq "${userName}"`,
      `externalId eq "${externalId}"`,
      `id eq "${id}"`,
      `emails[type eq "work" and value eq "${userName}"]`,
      `emails.value sw "${userName.slice(0, -2)}" and active eq true`,
      `userName co "${userName.slice(3)}" and not (externalId eq "x")`,
      `externalId eq "${externalId}" and meta.created gt "2020-01-01T00:00:00Z" and name.familyName pr`,
    ])
      expect([filter, await find(filter)]).toEqual([filter, [id]])
    for (const filter of [
      `externalId eq "${externalId.toUpperCase()}"`,
      `userName eq "${userName}" and active eq false`,
      'userName eq "nobody"',
      `userName eq "' or true --"`,
      `emails[type eq "home" and value eq "${userName}"]`,
    ])
      expect([filter, await find(filter)]).toEqual([filter, []])
    // Who was never spoken of is found by name and by address, and service accounts are nobody's.
    const ownerId = (await owner.call(getUser, { params: { user: 'me' } })).id
    expect(await find('userName eq "owner"')).toEqual([ownerId])
    expect(await find('userName eq "owner@example.com"')).toEqual([ownerId])
    await owner.call(createUser, {
      body: { username: 'robot', service_account: true, organization_ids: [NIL] },
    })
    expect(await find('userName eq "robot"')).toEqual([])
  })

  it.each([
    'nickName eq "x"',
    'userName eq',
    'userName gt "x"',
    'active eq "x"',
    'userName eq 5',
    'meta.created eq "yesterday"',
    '((((',
    Array.from({ length: 60 }, () => 'id eq "x"')
      .join(' or ')
      .slice(0, 1_000),
  ])('L-31: the filter %j is refused as one that cannot be used', async (filter) => {
    const { status, body } = await ask('GET', `/Users?filter=${encodeURIComponent(filter)}`)
    expect([status, body.scimType]).toEqual([400, 'invalidFilter'])
  })

  it('L-31: lists in pages, with the attributes that are wanted', async () => {
    await make()
    await make()
    const all = await ask('GET', '/Users?count=500')
    const { totalResults } = all.body
    expect(all.body.Resources).toHaveLength(totalResults)
    const second = await ask('GET', '/Users?startIndex=2&count=1&attributes=userName,name.familyName')
    expect(second.body).toMatchObject({ totalResults, startIndex: 2, itemsPerPage: 1 })
    expect(second.body.Resources).toHaveLength(1)
    expect(Object.keys(second.body.Resources[0] ?? {}).sort()).toEqual(['id', 'name', 'schemas', 'userName'])
    expect(second.body.Resources[0]?.id).toBe(all.body.Resources[1]?.id)
    const none = await ask('GET', '/Users?count=0&startIndex=-4')
    expect(none.body).toMatchObject({ totalResults, startIndex: 1, itemsPerPage: 0, Resources: [] })
    const without = await ask('GET', '/Users?count=1&excludedAttributes=emails,meta')
    expect(without.body.Resources[0]).not.toHaveProperty('emails')
  })

  it('L-31: takes over the account that somebody has, unless the deployment wants the letter of the RFC', async () => {
    const made = await owner.call(createUser, {
      body: { username: 'early', email: 'early@corp.example', login_type: 'oidc', organization_ids: [NIL] },
    })
    const taken = await ask('POST', '/Users', person({ userName: 'early@corp.example', emails: undefined }))
    expect([taken.status, taken.body.id]).toEqual([200, made.id])
    expect((await account(made.id)).username).toBe('early')
    await using strict = await startTestServer({
      env: { CODER_SCIM_AUTH_HEADER: SECRET, CODER_SCIM_USE_LEGACY: 'false' },
      databaseUrl: deployment.server.databaseUrl,
    })
    const again = await ask('POST', '/Users', person({ userName: 'early@corp.example' }), { url: strict.url })
    expect([again.status, again.body.scimType]).toEqual([409, 'uniqueness'])
    const fresh = await ask('POST', '/Users', person(), { url: strict.url })
    expect([fresh.status, fresh.headers.get('location')]).toEqual([201, fresh.body.meta.location])
    // What one replica switches off is out on the other within a second.
    const { client } = await deployment.arrive({ email: fresh.body.userName })
    await client.call(getUser, { params: { user: 'me' } })
    await ask('PATCH', `/Users/${fresh.body.id}`, { active: false }, { url: strict.url })
    await until('the other replica hears of it', async () =>
      client.call(getUser, { params: { user: 'me' } }).then(
        () => undefined,
        () => true,
      ),
    )
  })

  it('L-31: of several that make one account at once all get the same one', async () => {
    const given = person()
    const answers = await Promise.all(Array.from({ length: 6 }, () => ask('POST', '/Users', given)))
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1)
  })

  it('RB-125: neither suspends nor renames an owner', async () => {
    const { id } = await make()
    await owner.call(updateUserRoles, { params: { user: id }, body: { roles: ['owner'] } })
    const before = await account(id)
    for (const change of [
      { active: false },
      { displayName: 'Else' },
      { emails: [{ value: 'else@corp.example' }] },
    ]) {
      const { status } = await ask('PATCH', `/Users/${id}`, change)
      expect([change, status >= 400 && status < 500]).toEqual([change, true])
    }
    expect(await account(id)).toEqual(before)
    expect((await ask('PATCH', `/Users/${id}`, { active: true })).status).toBe(200)
  })

  it.each([
    ['POST', '', { userName: undefined }, 400],
    ['POST', '', { userName: '' }, 400],
    ['POST', '', { userName: 'plain', emails: [] }, 400],
    ['POST', '', { emails: [{ value: 'no address' }] }, 400],
    ['POST', '', { active: 'maybe' }, 400],
    ['POST', '', { userName: 'x'.repeat(2_000) }, 400],
    ['GET', '/not-an-id', undefined, 404],
    ['GET', `/${NIL}`, undefined, 404],
    ['PUT', `/${NIL}`, {}, 404],
    ['PATCH', `/${NIL}`, {}, 404],
  ])('L-31: %s /Users%s with %j is %i', async (method, path, change, expected) => {
    const { status, body } = await ask(method, `/Users${path}`, change && person(change))
    expect(status).toBe(expected)
    expect(body.detail).toBeTypeOf('string')
    expect(body.status).toBe(String(expected))
  })

  it.each([
    [{ op: 'move', path: 'active', value: true }],
    [{ op: 'remove' }],
    [{ op: 'replace', value: 'x' }],
    [{ op: 'replace', path: 'active', value: 'perhaps' }],
    [{ op: 'replace', path: 'emails]x[', value: 'x' }],
    [{ op: 'replace', path: 'userName', value: '' }],
    [{ op: 'replace', path: 'displayName', value: { a: 1 } }],
  ])('L-31: the operation %j is refused, and nothing is changed', async (operation) => {
    const { id } = await make()
    const before = await account(id)
    const { status } = await ask('PATCH', `/Users/${id}`, {
      schemas: [PATCH],
      Operations: [{ op: 'replace', path: 'displayName', value: 'Else' }, operation],
    })
    expect(status).toBe(400)
    expect(await account(id)).toEqual(before)
  })

  it('L-S: paths that name the insides of objects change nothing', async () => {
    const { id } = await make()
    await ask('PATCH', `/Users/${id}`, {
      schemas: [PATCH],
      Operations: [
        { op: 'add', path: '__proto__.polluted', value: true },
        { op: 'add', path: 'constructor.prototype.polluted', value: true },
        { op: 'add', value: JSON.parse('{"__proto__": {"polluted": true}}') },
      ],
    })
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  })
})
