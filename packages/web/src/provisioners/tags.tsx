import { Mark } from '../ui/form.tsx'
import { tagEntries } from './provisioner-words.ts'

/** Tags of a daemon or a job; each asks for those that have it too. */
export function Tags({
  tags,
  onChoose,
}: {
  readonly tags: Readonly<Record<string, string>>
  readonly onChoose: (tags: Readonly<Record<string, string>>) => void
}) {
  return (
    <span className="flex flex-wrap gap-1">
      {tagEntries(tags).map(([key, value]) => (
        <button
          key={key}
          type="button"
          title={`Only those with ${key}=${value}`}
          onClick={() => onChoose({ [key]: value })}
          className="max-w-48 rounded-sm hover:text-accent"
        >
          <Mark>
            <span className="truncate">
              {key}={value}
            </span>
          </Mark>
        </button>
      ))}
    </span>
  )
}
