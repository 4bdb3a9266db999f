import { ArrowUpLeft } from 'lucide-react'

import { usePermissions } from '../session/session.tsx'

interface Suggestion {
  readonly title: string
  readonly text: string
}

const EVERYBODY: readonly Suggestion[] = [
  {
    title: 'Explain a repository',
    text: 'Clone [address of the repository] and explain how it is built, tested and released. Name the five files that a newcomer should read first.',
  },
  {
    title: 'Repair a failing test',
    text: 'The test [name] in [repository] fails from time to time. Find the cause, repair it, and run the test fifty times.',
  },
  {
    title: 'Review a change',
    text: 'Review the branch [name] of [repository]: look for faults, missing tests and unclear names, and list them by weight.',
  },
]
const TEMPLATE_AUTHORS: readonly Suggestion[] = [
  {
    title: 'Improve a template',
    text: 'Look at the template [name]: what makes its workspaces slow to start, and which parameters are missing? Propose changes.',
  },
]
const ADMINISTRATORS: readonly Suggestion[] = [
  {
    title: 'See what is running',
    text: 'List the workspaces that have run for more than a day, with their owners and templates, and say which could be stopped.',
  },
]

/** What somebody might begin with, by what they may do here. */
export function Suggestions({ onChoose }: { readonly onChoose: (text: string) => void }) {
  const permissions = usePermissions()
  const offers = [
    ...EVERYBODY,
    ...(permissions?.createTemplates === true ? TEMPLATE_AUTHORS : []),
    ...(permissions?.viewAllUsers === true ? ADMINISTRATORS : []),
  ]
  return (
    <section aria-label="Suggestions">
      <ul className="flex flex-col">
        {offers.map(({ title, text }) => (
          <li key={title} className="border-b border-line last:border-b-0">
            <button
              type="button"
              onClick={() => onChoose(text)}
              className="group flex min-h-11 w-full items-center gap-3 rounded-control px-2 py-1.5 text-left hover:bg-hover"
            >
              <span className="min-w-0 flex-1">
                <span className="block text-sm font-medium">{title}</span>
                <span className="block truncate text-xs text-ink-2">{text}</span>
              </span>
              <ArrowUpLeft
                className="size-4 shrink-0 text-ink-3 opacity-0 group-hover:opacity-100 group-focus-visible:opacity-100"
                strokeWidth={1.75}
                aria-hidden="true"
              />
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}
