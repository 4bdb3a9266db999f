import { describe, expect, it } from 'vitest'

import { EMPTY_SKILL, MOST_SKILL_BYTES, readSkillText } from './skill-text.ts'

const SKILL = '---\nname: review\ndescription: Reviews changes.\n---\n\nRead the diff first.\n'

describe('readSkillText', () => {
  it('CH-1303: reads name, description and text', () => {
    expect(readSkillText(SKILL)).toEqual({
      name: 'review',
      description: 'Reviews changes.',
      body: 'Read the diff first.',
    })
  })

  it('UI-1153: says what keeps a text from being a skill', () => {
    expect(readSkillText(EMPTY_SKILL)).toEqual({
      error: 'the front matter has no name yet: write one such as review-changes',
    })
    expect(readSkillText('Read the diff first.')).toHaveProperty('error')
    expect(readSkillText(SKILL, 'test')).toEqual({
      error: 'a skill keeps its name: this one is test, not review',
    })
    expect(readSkillText(`${SKILL}\0`)).toEqual({ error: 'NUL characters cannot be stored' })
  })

  it('CH-1303: counts bytes, not characters', () => {
    const room = MOST_SKILL_BYTES - SKILL.length
    expect(readSkillText(SKILL + 'a'.repeat(room))).not.toHaveProperty('error')
    expect(readSkillText(SKILL + 'é'.repeat(room))).toEqual({
      error: `${room.toLocaleString('en-US')} bytes too long: a skill has at most 65,536`,
    })
  })
})
