import { ArrowDown, ArrowUp, Plus, Trash2 } from 'lucide-react'
import type { ReactNode } from 'react'

import type { AIProvider } from '@slipway/contract'
import { Button } from '../ui/button.tsx'
import { Field, Select, TextArea, TextInput } from '../ui/form.tsx'
import { MOST_TARGETS, type TargetDraft } from './routing-draft.ts'

/** Other providers that requests go to: in an order, or by weight. */
export function RoutingTargets({
  kind,
  title,
  help,
  none,
  targets,
  others,
  fault,
  onChange,
  children,
}: {
  readonly kind: 'fallbacks' | 'balance'
  readonly title: string
  readonly help: string
  /** What holds while the list is empty. */
  readonly none: string
  readonly targets: readonly TargetDraft[]
  readonly others: readonly AIProvider[]
  readonly fault: (name: string) => string | undefined
  readonly onChange: (targets: readonly TargetDraft[]) => void
  /** Stands above a list that is not empty. */
  readonly children?: ReactNode
}) {
  const set = (index: number, patch: Partial<TargetDraft>) =>
    onChange(targets.map((target, at) => (at === index ? { ...target, ...patch } : target)))
  const move = (index: number, by: -1 | 1) => {
    const next = [...targets]
    const [moved] = next.splice(index, 1)
    if (moved !== undefined) next.splice(index + by, 0, moved)
    onChange(next)
  }
  const add = () =>
    onChange([
      ...targets,
      {
        key: Math.max(-1, ...targets.map(({ key }) => key)) + 1,
        provider: others.find(({ name }) => !targets.some(({ provider }) => provider === name))?.name ?? '',
        weight: kind === 'balance' ? '1' : '',
        models: '',
      },
    ])
  return (
    <fieldset className="min-w-0 border-t border-line pt-4 first:border-t-0 first:pt-0">
      <legend className="float-left mb-0.5 w-full text-sm font-semibold">{title}</legend>
      <p className="clear-both mb-3 text-xs text-ink-2">{help}</p>
      <div className="flex flex-col gap-3">
        {targets.length === 0 ? (
          <p className="text-sm text-ink-2">
            {none}
            {others.length === 0 ? ' There is no other provider with the same API.' : ''}
          </p>
        ) : (
          children
        )}
        {targets.length === 0 ? null : (
          <ol aria-label={title} className="flex flex-col gap-2">
            {targets.map((target, index) => (
              <li key={target.key} className="rounded-control border border-line p-3">
                <div className="flex items-end gap-2">
                  <div className="min-w-0 flex-1">
                    <Field
                      label={kind === 'fallbacks' ? `Provider ${index + 1}` : 'Provider'}
                      error={fault(`${kind}.${index}.provider`)}
                    >
                      {(field) => (
                        <Select
                          {...field}
                          prompt="Choose"
                          value={target.provider}
                          options={optionsOf(others, target.provider)}
                          onChange={(event) => set(index, { provider: event.target.value })}
                        />
                      )}
                    </Field>
                  </div>
                  {kind === 'balance' ? (
                    <div className="w-20">
                      <Field label="Weight" error={fault(`${kind}.${index}.weight`)}>
                        {(field) => (
                          <TextInput
                            {...field}
                            inputMode="numeric"
                            autoComplete="off"
                            className="tabular-nums"
                            value={target.weight}
                            onChange={(event) => set(index, { weight: event.target.value })}
                          />
                        )}
                      </Field>
                    </div>
                  ) : (
                    <div className="flex">
                      <Button
                        tone="quiet"
                        size="icon"
                        aria-label={`Try ${target.provider} earlier`}
                        disabled={index === 0}
                        onClick={() => move(index, -1)}
                        icon={<ArrowUp className="size-4" strokeWidth={1.75} />}
                      />
                      <Button
                        tone="quiet"
                        size="icon"
                        aria-label={`Try ${target.provider} later`}
                        disabled={index === targets.length - 1}
                        onClick={() => move(index, 1)}
                        icon={<ArrowDown className="size-4" strokeWidth={1.75} />}
                      />
                    </div>
                  )}
                  <Button
                    tone="quiet"
                    size="icon"
                    aria-label={`Remove ${target.provider}`}
                    onClick={() => onChange(targets.filter((one) => one !== target))}
                    icon={<Trash2 className="size-4" strokeWidth={1.75} />}
                  />
                </div>
                <div className="mt-3">
                  <Field
                    label="Model names there"
                    error={fault(`${kind}.${index}.models`)}
                    help="One “name = model” per line. Other models keep their names."
                  >
                    {(field) => (
                      <TextArea
                        {...field}
                        rows={Math.max(1, Math.min(6, target.models.split('\n').length))}
                        spellCheck={false}
                        autoCapitalize="off"
                        className="font-mono"
                        value={target.models}
                        onChange={(event) => set(index, { models: event.target.value })}
                      />
                    )}
                  </Field>
                </div>
              </li>
            ))}
          </ol>
        )}
        {targets.length >= MOST_TARGETS || others.length === 0 ? null : (
          <div>
            <Button size="dense" icon={<Plus className="size-3.5" />} onClick={add}>
              Add provider
            </Button>
          </div>
        )}
      </div>
    </fieldset>
  )
}

/** The one that is chosen stays in sight, also when it is gone. */
function optionsOf(others: readonly AIProvider[], chosen: string) {
  const known = others.map(({ name, display_name, enabled }) => ({
    value: name,
    label: enabled ? display_name : `${display_name} (off)`,
  }))
  return chosen === '' || known.some(({ value }) => value === chosen)
    ? known
    : [...known, { value: chosen, label: `${chosen} (gone)` }]
}
