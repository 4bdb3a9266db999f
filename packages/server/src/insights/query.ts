import { badRequest } from '../errors/index.ts'
import { isUuid } from '../search/index.ts'

/** Values of a list, whether they came in one parameter or in several. */
export function listOf(given: readonly string[] | undefined): string[] {
  const values = (given ?? []).flatMap((text) => text.split(',')).map((text) => text.trim())
  return [...new Set(values.filter((text) => text !== ''))]
}

/** @throws ApiError 400 for what is no id. */
export function templateIds(given: readonly string[] | undefined): string[] {
  const ids = listOf(given).map((text) => text.toLowerCase())
  if (!ids.every(isUuid))
    throw badRequest('Query parameters have invalid values.', {
      validations: [{ field: 'template_ids', detail: 'Query param "template_ids" must be a list of UUIDs' }],
    })
  return ids
}

const SECTIONS = ['report', 'interval_reports'] as const
export type Section = (typeof SECTIONS)[number]

/** Which sections of a report are asked for; both where none is named. @throws ApiError 400 for others. */
export function sectionsOf(given: readonly string[] | undefined): ReadonlySet<Section> {
  const names = listOf(given)
  const sections = SECTIONS.filter((section) => names.length === 0 || names.includes(section))
  if (names.some((name) => !SECTIONS.some((section) => section === name)))
    throw badRequest('Query parameters have invalid values.', {
      validations: [
        { field: 'sections', detail: `Query param "sections" may name ${SECTIONS.join(' and ')}` },
      ],
    })
  return new Set(sections)
}
