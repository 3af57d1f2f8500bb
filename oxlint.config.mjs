import { walls } from './scripts/walls.mjs';

/** Rules of the code; which room imports which is said in scripts/walls.mjs. */
export default {
  plugins: ['typescript', 'import', 'node', 'promise', 'unicorn', 'oxc', 'vitest'],
  categories: {
    correctness: 'error',
    suspicious: 'error',
    perf: 'error',
  },
  options: {
    typeAware: true,
  },
  ignorePatterns: ['dist', 'node_modules', 'test/clients/typescript', 'test/clients/verify'],
  rules: {
    'typescript/no-unsafe-type-assertion': 'off',
    'typescript/no-extraneous-class': 'off',
    'no-await-in-loop': 'off',
    'import/no-unassigned-import': 'off',
    'import/no-named-as-default-member': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'unicorn/no-new-array': 'off',
    'oxc/no-map-spread': 'off',
    'promise/always-return': 'off',
    'promise/no-callback-in-promise': 'off',
    'unicorn/require-post-message-target-origin': 'off',
    'unicorn/no-array-fill-with-reference-type': 'off',
    'vitest/no-conditional-expect': 'off',
    'vitest/valid-expect': [
      'error',
      {
        maxArgs: 2,
      },
    ],
    'vitest/expect-expect': [
      'error',
      {
        assertFunctionNames: ['expect*', 'vi.waitFor', 'until*', 'play', 'fc.assert'],
      },
    ],
    'no-underscore-dangle': 'off',
    'no-shadow': 'off',
    'unicorn/no-useless-spread': 'off',
    'unicorn/no-array-sort': 'off',
    'unicorn/no-array-reverse': 'off',
    'no-unmodified-loop-condition': 'off',
    'typescript/consistent-return': 'off',
    // Files that import only types of each other are a circle too.
    'import/no-cycle': ['error', { ignoreTypes: false }],
    'node/no-process-env': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/switch-exhaustiveness-check': 'error',
    eqeqeq: 'error',
    'max-lines': [
      'error',
      {
        max: 260,
        skipComments: true,
        skipBlankLines: true,
      },
    ],
  },
  overrides: [
    ...walls,
    {
      files: ['src/config.ts', 'src/cli/environment.ts', 'test/**', 'bench/**', 'scripts/**', '*.config.ts'],
      rules: {
        'node/no-process-env': 'off',
      },
    },
    {
      files: ['test/**', 'bench/**', 'scripts/**', '*.config.ts'],
      rules: {
        'no-restricted-imports': 'off',
        'typescript/no-misused-promises': 'off',
        'typescript/require-array-sort-compare': 'off',
        'typescript/restrict-template-expressions': 'off',
        'typescript/no-base-to-string': 'off',
        'typescript/no-unnecessary-type-assertion': 'off',
        'unicorn/prefer-set-has': 'off',
      },
    },
    {
      files: ['console/**'],
      plugins: ['typescript', 'import', 'promise', 'unicorn', 'oxc', 'vitest', 'react', 'jsx-a11y'],
      rules: {
        // The compiler's new form of JSX needs no import.
        'react/react-in-jsx-scope': 'off',
        'react/exhaustive-deps': 'error',
        'react/rules-of-hooks': 'error',
        // Mantine draws the element; a status that changes is not an <output>.
        'jsx-a11y/prefer-tag-over-role': 'off',
      },
    },
    {
      files: ['console/vite.config.ts'],
      rules: {
        'node/no-process-env': 'off',
      },
    },
    {
      files: ['**/*.spec.ts', 'console/src/texts/*.ts'],
      rules: {
        'max-lines': 'off',
      },
    },
    {
      files: ['src/**'],
      rules: {
        'no-restricted-properties': [
          'error',
          {
            object: 'Date',
            property: 'now',
            message:
              "wallClock() decides, performance.now() waits; the host's own time is asked for in common/clock.ts.",
          },
        ],
      },
    },
    {
      files: ['src/common/clock.ts', 'src/**/*.spec.ts'],
      rules: {
        'no-restricted-properties': 'off',
      },
    },
  ],
};
