import { ArrowRight, Plus, Trash2, TriangleAlert, X } from 'lucide-react'
import { useId, useState } from 'react'

import { Button } from '../ui/button.tsx'
import { Combobox } from '../ui/combobox.tsx'
import { TextInput } from '../ui/form.tsx'
import { type Mapping, type Target, withoutTarget, withoutValue, withTarget, withValue } from './mapping.ts'

interface MappingEditorProps {
  /** What a claim gives: "group", "role", "organization". */
  readonly what: string
  readonly mapping: Mapping
  readonly onChange: (mapping: Mapping) => void
  /** Everything that can be given. */
  readonly targets: readonly Target[] | undefined
  /** Values that the claim has had, to choose among. */
  readonly values: readonly string[]
  readonly locked: boolean
}

/** Which value of a claim gives what (UI-1402). */
export function MappingEditor({ what, mapping, onChange, targets, values, locked }: MappingEditorProps) {
  const list = useId()
  const [value, setValue] = useState('')
  const rows = Object.entries(mapping)
  const add = () => {
    if (value.trim() === '') return
    onChange(withValue(mapping, value.trim()))
    setValue('')
  }
  return (
    <div className="flex flex-col gap-3">
      {rows.length === 0 ? (
        <p className="rounded-control border border-dashed border-line-strong px-3 py-5 text-center text-sm text-ink-2">
          No mappings yet.
        </p>
      ) : (
        <ul aria-label="Mapping" className="flex flex-col rounded-control border border-line">
          {rows.map(([given, ids]) => (
            <li
              key={given}
              className="grid grid-cols-[minmax(0,1fr)_auto] items-start gap-x-3 gap-y-2 border-b border-line px-3 py-2.5 last:border-b-0 sm:grid-cols-[minmax(0,2fr)_auto_minmax(0,3fr)_auto]"
            >
              <code className="flex min-h-8 min-w-0 items-center break-all text-sm [font-variant-ligatures:none]">
                {given}
              </code>
              <ArrowRight
                className="hidden size-4 translate-y-2 text-ink-3 sm:block"
                strokeWidth={1.75}
                aria-hidden="true"
              />
              <div className="col-span-2 flex min-w-0 flex-col gap-1.5 max-sm:row-start-2 sm:col-span-1">
                <div className="flex flex-wrap gap-1.5">
                  <ul aria-label={`What ${given} gives`} className="contents">
                    {ids.map((id) => (
                      <Chip
                        key={id}
                        label={targets?.find((target) => target.id === id)?.label}
                        id={id}
                        loading={targets === undefined}
                        what={what}
                        {...(locked ? {} : { onRemove: () => onChange(withoutTarget(mapping, given, id)) })}
                      />
                    ))}
                  </ul>
                  {locked ? null : (
                    <div className="min-w-0 flex-1 basis-36">
                      <TargetPicker
                        label={`Add ${/^[aeiou]/.test(what) ? 'an' : 'a'} ${what} for ${given}`}
                        what={what}
                        targets={targets?.filter(({ id }) => !ids.includes(id))}
                        onPick={(id) => onChange(withTarget(mapping, given, id))}
                      />
                    </div>
                  )}
                </div>
                {ids.length === 0 ? (
                  <p className="text-xs text-ink-2">Has no effect, and no match by name is tried.</p>
                ) : null}
              </div>
              {locked ? null : (
                <Button
                  tone="quiet"
                  size="icon"
                  className="max-sm:col-start-2 max-sm:row-start-1"
                  aria-label={`Remove ${given}`}
                  title="Remove"
                  onClick={() => onChange(withoutValue(mapping, given))}
                  icon={<Trash2 className="size-4" strokeWidth={1.75} />}
                />
              )}
            </li>
          ))}
        </ul>
      )}
      {locked ? null : (
        <div className="flex gap-2">
          <TextInput
            aria-label="Value of the claim"
            placeholder="Value of the claim"
            spellCheck={false}
            autoCapitalize="off"
            autoComplete="off"
            list={list}
            value={value}
            onChange={(event) => setValue(event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Enter' || event.nativeEvent.isComposing) return
              event.preventDefault()
              add()
            }}
            className="max-w-80"
          />
          <datalist id={list}>
            {values
              .filter((one) => !Object.hasOwn(mapping, one))
              .map((one) => (
                <option key={one} value={one} />
              ))}
          </datalist>
          <Button onClick={add} disabled={value.trim() === ''} icon={<Plus className="size-4" />}>
            Add mapping
          </Button>
        </div>
      )}
    </div>
  )
}

function Chip({
  label,
  id,
  loading,
  what,
  onRemove,
}: {
  readonly label: string | undefined
  readonly id: string
  readonly loading: boolean
  readonly what: string
  readonly onRemove?: () => void
}) {
  const gone = label === undefined && !loading
  return (
    <li className="inline-flex h-8 max-w-full items-center gap-1.5 rounded-sm border border-line bg-bg pl-2 pr-1 text-sm">
      {gone ? <TriangleAlert className="size-3.5 shrink-0 text-warn" aria-hidden="true" /> : null}
      <span className="min-w-0 truncate" title={gone ? `No ${what} has the id ${id} any more` : undefined}>
        {label ?? (loading ? '…' : `${id.slice(0, 8)}, gone`)}
      </span>
      {onRemove === undefined ? (
        <span className="w-1" />
      ) : (
        <button
          type="button"
          aria-label={`Remove ${label ?? id}`}
          onClick={onRemove}
          className="inline-flex size-5 shrink-0 items-center justify-center rounded-sm text-ink-3 hover:bg-hover hover:text-ink"
        >
          <X className="size-3" />
        </button>
      )}
    </li>
  )
}

function TargetPicker({
  label,
  what,
  targets,
  onPick,
}: {
  readonly label: string
  readonly what: string
  readonly targets: readonly Target[] | undefined
  readonly onPick: (id: string) => void
}) {
  const [text, setText] = useState('')
  const wanted = text.trim().toLowerCase()
  return (
    <Combobox
      label={label}
      placeholder={`Add ${what}`}
      text={text}
      onText={setText}
      empty={`No ${what} found`}
      options={targets?.filter((target) => target.label.toLowerCase().includes(wanted))}
      onChoose={({ id }) => {
        setText('')
        onPick(id)
      }}
    />
  )
}
