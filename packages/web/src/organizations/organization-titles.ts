import type { Organization } from '@slipway/contract'

type Named = Pick<Organization, 'id' | 'name' | 'display_name'>

/** How an organization is called. */
export function organizationTitle({ name, display_name }: Pick<Named, 'name' | 'display_name'>): string {
  return display_name === '' ? name : display_name
}

/** How organizations are called among each other, by id: those of the same display name by their name too (UI-509). */
export function titlesOf(organizations: readonly Named[]): ReadonlyMap<string, string> {
  const counts = new Map<string, number>()
  for (const title of organizations.map(organizationTitle)) counts.set(title, (counts.get(title) ?? 0) + 1)
  return new Map(
    organizations.map((organization) => {
      const title = organizationTitle(organization)
      return [organization.id, (counts.get(title) ?? 0) > 1 ? `${title} (${organization.name})` : title]
    }),
  )
}

/** Those whose name or display name has all words of a text in it, in the order in which they are given. */
export function matching<Some extends Named>(organizations: readonly Some[], text: string): readonly Some[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  return organizations.filter(({ name, display_name }) => {
    const all = `${display_name} ${name}`.toLowerCase()
    return words.every((word) => all.includes(word))
  })
}
