import { expect, it } from 'vitest'

import { generatedPassword } from './generated-password.ts'

it('UI-1401: generated passwords are long and never the same', () => {
  const made = new Set(Array.from({ length: 50 }, generatedPassword))
  expect(made.size).toBe(50)
  for (const password of made) expect(password).toMatch(/^[a-zA-Z2-9]{4}(-[a-zA-Z2-9]{4}){4}$/)
})
