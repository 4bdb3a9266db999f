import { describe, expect, it } from 'vitest'

import { readTheme } from './embed-theme.ts'
import { readParentMessage } from './parent-window.ts'

describe('UI-1154: what the program around an embedded chat says', () => {
  it('reads a session and a theme', () => {
    expect(
      readParentMessage({ type: 'coder:vscode-auth-bootstrap', payload: { token: 'id-secret' } }),
    ).toEqual({ kind: 'session', token: 'id-secret' })
    expect(readParentMessage({ type: 'coder:set-theme', payload: { theme: 'dark' } })).toEqual({
      kind: 'theme',
      theme: 'dark',
    })
  })

  it.each([
    undefined,
    'coder:set-theme',
    { type: 'coder:vscode-auth-bootstrap' },
    { type: 'coder:vscode-auth-bootstrap', payload: { token: '' } },
    { type: 'coder:vscode-auth-bootstrap', payload: { token: 1 } },
    { type: 'another', payload: { token: 'id-secret' } },
  ])('leaves %j alone', (data) => expect(readParentMessage(data)).toBeUndefined())

  it('UI-1702: knows concrete themes by their names', () => {
    expect(readTheme('dark-tritan')).toEqual({ theme: 'dark', vision: 'tritan' })
    expect(readTheme('light')).toEqual({ theme: 'light', vision: 'plain' })
    for (const name of [undefined, '', 'auto', 'dark-', 'dark-other']) expect(readTheme(name)).toBeUndefined()
  })
})
