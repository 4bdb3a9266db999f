import { describe, expect, it } from 'vitest'

import { parseSkill } from './skill-format.ts'

const skill = (matter: string, body = 'Do it.') => `---\n${matter}\n---\n\n${body}\n`

describe('CH-1303: skills', () => {
  it.each([
    ['plain', 'name: deploy\ndescription: How to deploy', 'How to deploy'],
    ['quoted', `name: "deploy"\ndescription: 'It''s: how'`, "It's: how"],
    ['folded', 'name: deploy\ndescription: >\n  How to\n  deploy\nlicense: MIT', 'How to deploy'],
    ['in lines', 'name: deploy\ndescription: |\n  How\n  to', 'How\nto'],
    ['continued', 'name: deploy\ndescription: How\n  to deploy', 'How to deploy'],
  ])('have a name and a description that is %s', (_how, matter, description) => {
    expect(parseSkill(skill(matter), 'deploy')).toEqual({ name: 'deploy', description, body: 'Do it.' })
  })

  it('have any name where there is no folder', () => {
    expect(parseSkill(skill('name: deploy\ndescription: x'))).toMatchObject({ name: 'deploy' })
  })

  it('are read with the line ends of other systems', () => {
    expect(parseSkill(skill('name: a-1\ndescription: x').replaceAll('\n', '\r\n'), 'a-1')).toMatchObject({
      name: 'a-1',
    })
  })

  it.each([
    ['no front matter', 'front matter'],
    [skill('description: x'), 'kebab-case'],
    [skill('name: Deploy\ndescription: x'), 'kebab-case'],
    [skill('name: other\ndescription: x'), 'not that of its folder'],
    [skill('name: deploy'), 'no description'],
  ])('are refused with a reason: %j', (text, reason) => {
    expect(parseSkill(text, 'deploy')).toEqual({ error: expect.stringContaining(reason) })
  })
})
