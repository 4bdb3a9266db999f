import { defineTemplate, local } from '@slipway/template'

export default defineTemplate({
  parameters: {
    repository: {
      type: 'string',
      default: '',
      displayName: 'Git repository',
      description: 'Cloned into the home folder at the first start. Leave empty for an empty home folder.',
      icon: '/icon/git.svg',
      mutable: true,
      validation: {
        regex: '^$|^(https?://|ssh://|git@)[^\\s]+$',
        error: 'must be an address that git can clone, such as https://example.com/team/project.git',
      },
    },
  },
  workspace: ({ parameters, owner }) => ({
    runtime: local(),
    icon: '/icon/terminal.svg',
    agents: [
      {
        name: 'main',
        env: {
          GIT_AUTHOR_NAME: owner.fullName || owner.name,
          GIT_AUTHOR_EMAIL: owner.email,
          GIT_COMMITTER_NAME: owner.fullName || owner.name,
          GIT_COMMITTER_EMAIL: owner.email,
        },
        startupScript: [
          '#!/bin/sh',
          'set -e',
          'for file in .bashrc .profile; do',
          '  [ -e "$HOME/$file" ] || [ ! -e "/etc/skel/$file" ] || cp "/etc/skel/$file" "$HOME/$file"',
          'done',
          parameters.repository === '' ? 'echo "Your home folder is ready."' : clone(parameters.repository),
        ].join('\n'),
        metadata: [
          {
            key: 'cpu',
            displayName: 'Load',
            script: 'cut -d " " -f 1 /proc/loadavg',
            interval: 10,
            order: 1,
          },
          {
            key: 'memory',
            displayName: 'Memory',
            script: `awk '/MemTotal/ {t=$2} /MemAvailable/ {a=$2} END {printf "%.1f of %.1f GiB", (t-a)/1048576, t/1048576}' /proc/meminfo`,
            interval: 10,
            order: 2,
          },
          {
            key: 'disk',
            displayName: 'Home folder',
            script: 'du -sh "$HOME" 2>/dev/null | cut -f 1',
            interval: 60,
            order: 3,
          },
        ],
      },
    ],
  }),
})

/** Clones once; a folder that is already there is left alone. */
function clone(repository: string): string {
  const quoted = `'${repository.replaceAll("'", `'\\''`)}'`
  return [
    `repository=${quoted}`,
    'folder="$HOME/$(basename "$repository" .git)"',
    'if [ -e "$folder" ]; then',
    '  echo "$folder is already there."',
    'else',
    '  echo "Cloning $repository"',
    '  git clone "$repository" "$folder"',
    'fi',
  ].join('\n')
}
