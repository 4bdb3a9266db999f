import { expect, it } from 'vitest'

import { jobTitle, parseTags, tagEntries } from './provisioner-words.ts'

const metadata = {
  template_display_name: '',
  template_icon: '',
  template_name: 'docker',
  template_version_name: 'v3',
}

it('UI-1402: a job says what it does', () => {
  const workspace_build = {
    ...metadata,
    workspace_name: 'flight',
    workspace_build_transition: 'stop',
  } as const
  expect(jobTitle({ type: 'workspace_build', metadata: workspace_build })).toBe('Stop flight')
  expect(jobTitle({ type: 'template_version_import', metadata })).toBe('Import docker v3')
  expect(jobTitle({ type: 'template_version_dry_run', metadata })).toBe('Try docker v3')
  expect(jobTitle({ type: 'template_version_import' })).toBe('Import a template')
})

it('UI-401: tags of an address are an object of texts, or none', () => {
  expect(parseTags('{"b":1,"a":"x"}')).toEqual({ a: 'x', b: '1' })
  for (const text of [undefined, '', '{', '[]', '"x"', 'null']) expect(parseTags(text), text).toEqual({})
  expect(tagEntries({ scope: 'organization', owner: '', arch: 'arm' })).toEqual([
    ['arch', 'arm'],
    ['scope', 'organization'],
  ])
})
