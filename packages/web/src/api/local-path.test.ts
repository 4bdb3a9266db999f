import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { localPath } from './local-path.ts'

const ORIGIN = 'https://slipway.example'

describe('UI-207: redirect targets', () => {
  it.each(['/settings/tokens?x=1', '/@alice/dev', '/workspaces?filter=owner%3Ame+status%3Arunning'])(
    'follows %s',
    (target) => {
      expect(localPath(target, ORIGIN)).toBe(target)
    },
  )

  it.each([
    undefined,
    '',
    '//evil.test',
    '/\\evil.test',
    '/%2f%2fevil.test',
    '/%5Cevil.test',
    'https://evil.test/',
    'javascript:alert(1)',
    'workspaces',
    '/\t/evil.test',
    '/\n/evil.test',
  ])('T-3: turns %j into "/"', (target) => {
    expect(localPath(target, ORIGIN)).toBe('/')
  })

  it('drops the fragment, keeps path and query', () => {
    expect(localPath('/a?b=c#d', ORIGIN)).toBe('/a?b=c')
  })

  it('never leaves the origin, whatever is given', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webUrl(),
          fc.string().map((rest) => `/${rest}`),
        ),
        (target) => {
          expect(new URL(localPath(target, ORIGIN), ORIGIN).origin).toBe(ORIGIN)
        },
      ),
    )
  })
})
