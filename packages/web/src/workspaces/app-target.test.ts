import { describe, expect, it } from 'vitest'

import type { WorkspaceApp } from '@slipway/contract'
import { appTarget, editorUrl, portTarget, withKey } from './app-target.ts'

const place = {
  owner: 'ada',
  workspace: 'dev',
  agent: 'main',
  appHost: '*.apps.example.com',
  protocol: 'https:',
}
const app = (over: Partial<WorkspaceApp>): WorkspaceApp => ({
  display_name: 'Docs',
  external: false,
  health: 'healthy',
  hidden: false,
  icon: '',
  id: '00000000-0000-0000-0000-000000000001',
  open_in: 'tab',
  sharing_level: 'owner',
  slug: 'docs',
  subdomain: false,
  ...over,
})

describe('UI-725: where an app opens', () => {
  it('a path app, with a slash at its end', () => {
    expect(appTarget(app({}), place)).toEqual({
      kind: 'link',
      href: '/@ada/dev.main/apps/docs/',
      slim: false,
    })
  })

  it('a subdomain app in place of the star', () => {
    expect(appTarget(app({ subdomain: true, subdomain_name: 'docs--dev--ada' }), place)).toEqual({
      kind: 'link',
      href: 'https://docs--dev--ada.apps.example.com/',
      slim: false,
    })
  })

  it('a subdomain app without a host name says why it cannot', () => {
    expect(appTarget(app({ subdomain: true, subdomain_name: 'x' }), { ...place, appHost: '' }).kind).toBe(
      'none',
    )
  })

  it('a command in the terminal', () => {
    expect(appTarget(app({ command: 'htop' }), place)).toEqual({
      kind: 'page',
      href: '/@ada/dev.main/terminal?app=docs',
    })
  })

  it.each(['javascript:alert(1)', 'data:text/html,x', 'not an address', ''])(
    'an external %j nowhere',
    (url) => {
      expect(appTarget(app({ external: true, url }), place).kind).toBe('none')
    },
  )
})

describe('UI-726: keys only for known programs', () => {
  it.each([
    ['cursor://open?token=$SESSION_TOKEN', true],
    ['vscode://x/$SESSION_TOKEN', true],
    ['evil://x?token=$SESSION_TOKEN', false],
    ['zed://open', false],
  ])('%s: %s', (url, needsKey) => {
    expect(appTarget(app({ external: true, url }), place)).toEqual({ kind: 'program', url, needsKey })
  })

  it('never for the web', () => {
    expect(appTarget(app({ external: true, url: 'https://x.test/?t=$SESSION_TOKEN' }), place)).toMatchObject({
      kind: 'link',
      href: 'https://x.test/?t=$SESSION_TOKEN',
    })
  })

  it('puts the key in, encoded', () => {
    expect(withKey('cursor://a?t=$SESSION_TOKEN', 'a&b')).toBe('cursor://a?t=a%26b')
  })
})

it('UI-727: the editor link carries who, where and the key', () => {
  const url = new URL(
    editorUrl(
      'vscode',
      { owner: 'ada', workspace: 'dev', agent: 'main', folder: '/home/ada/x y' },
      'https://s.test',
      'k',
    ),
  )
  expect(url.href).toMatch(/^vscode:\/\/coder\.coder-remote\/open\?/)
  expect(Object.fromEntries(url.searchParams)).toEqual({
    owner: 'ada',
    workspace: 'dev',
    agent: 'main',
    folder: '/home/ada/x y',
    url: 'https://s.test',
    token: 'k',
    openRecent: 'true',
  })
})

describe('UI-728: where a port leads', () => {
  it.each([
    [3000, false, 'https://3000--main--dev--ada.apps.example.com/'],
    [8443, true, 'https://8443s--main--dev--ada.apps.example.com/'],
    // Shorter numbers would be names of apps (AC-181).
    [80, false, 'https://0080--main--dev--ada.apps.example.com/'],
  ])('%i, with TLS %s: %s', (port, tls, href) => {
    expect(portTarget(port, tls, place)).toEqual({ kind: 'link', href, slim: false })
  })

  it('nowhere when its host name would be too long, or there is none', () => {
    const long = { ...place, workspace: 'w'.repeat(32), owner: 'o'.repeat(32) }
    expect(portTarget(3000, false, long)).toMatchObject({
      kind: 'none',
      reason: expect.stringContaining('longer than 63'),
    })
    expect(portTarget(3000, false, { ...place, appHost: '' }).kind).toBe('none')
  })
})
