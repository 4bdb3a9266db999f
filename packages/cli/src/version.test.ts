import { expect, it } from 'vitest'

import { versionWarning } from './version.ts'

it('OP-112: only another major or minor version is warned of', () => {
  const url = 'https://slipway.example'
  for (const server of ['v2.36.0+slipway.0.1.0', 'v2.36.9', '2.36.1-rc.1', 'v0.0.0-devel+abc', 'nonsense'])
    expect(versionWarning(server, url, 'v2.36.0')).toBeUndefined()
  expect(versionWarning('v2.35.9', url, 'v2.36.0')).toMatch(
    /this command is v2\.36\.0, the server is v2\.35\.9[\s\S]*curl -fsSL https:\/\/slipway\.example\/install\.sh/,
  )
  expect(versionWarning('v3.36.0', url, 'v2.36.0')).toBeDefined()
})
