import { describe, expect, it } from 'vitest'

import { refusal, start } from '../config/testing.ts'

describe('OP-14: options of the syncs', () => {
  it('the filter of groups has the syntax of RE2, as in the reference', () => {
    const env = { CODER_OIDC_GROUP_REGEX_FILTER: '(?i)^(?P<team>dev)-' }
    expect(start({ env }).config.oidcGroupRegexFilter).toBe(env.CODER_OIDC_GROUP_REGEX_FILTER)
    for (const filter of ['(', '(?=a)', '(a)\\1'])
      expect(refusal({ env: { CODER_OIDC_GROUP_REGEX_FILTER: filter } }).join()).toContain('RE2')
  })

  it('organizations are named by their ids', () => {
    const id = '5f0c6f4e-1c2b-4f0e-9d2a-0b1c2d3e4f50'
    const env = { CODER_OIDC_ORGANIZATION_MAPPING: JSON.stringify({ a: [id] }) }
    expect(start({ env }).config.oidcOrganizationMapping).toEqual({ a: [id] })
    expect(refusal({ env: { CODER_OIDC_ORGANIZATION_MAPPING: '{"a": ["acme"]}' } }).join()).toContain('UUIDs')
  })
})
