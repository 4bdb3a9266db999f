import { describe, expect, it } from 'vitest'

import { lookOf, settingsOf } from './wire.ts'

const NOTHING = {
  theme_preference: '',
  theme_mode: '',
  theme_light: '',
  theme_dark: '',
  terminal_font: '',
} as const

describe('ID-200: the look of an account', () => {
  it('comes back as it was sent', () => {
    for (const theme of ['system', 'light', 'dark'] as const)
      for (const vision of ['plain', 'protan-deuter', 'tritan'] as const) {
        const look = { theme, vision, font: 'fira-code' } as const
        expect(
          lookOf({ ...NOTHING, ...settingsOf(look), theme_preference: settingsOf(look).theme_preference }),
        ).toEqual(look)
      }
  })

  it('UI-1702: is read from what older dashboards have stored', () => {
    expect(lookOf(NOTHING)).toBeUndefined()
    expect(lookOf({ ...NOTHING, theme_preference: 'auto' })).toMatchObject({
      theme: 'system',
      vision: 'plain',
    })
    expect(lookOf({ ...NOTHING, theme_preference: 'auto-tritan' })).toMatchObject({
      theme: 'system',
      vision: 'tritan',
    })
    expect(lookOf({ ...NOTHING, theme_preference: 'light-protan-deuter' })).toMatchObject({
      theme: 'light',
      vision: 'protan-deuter',
    })
    expect(lookOf({ ...NOTHING, theme_preference: 'somethingElse' })).toMatchObject({ theme: 'dark' })
  })
})
