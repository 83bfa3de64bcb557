const modules = 'orders|payments|inventory|notifications';
const upper = modules + '|ops|documents|cli';
const above = {
  failure: 'config|database|access|messaging|gates|' + upper,
  config: 'database|messaging|gates|' + upper,
  database: 'access|messaging|gates|' + upper,
  access: 'messaging|gates|' + upper,
  messaging: 'gates|' + upper,
  gates: upper,
};

/** The floors and front doors of the house (docs/architecture.md): nothing imports upwards, and there is no circle. */
module.exports = {
  forbidden: [
    {
      name: 'no-circles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    ...Object.entries(above).map(([floor, higher]) => ({
      name: `${floor}-imports-nothing-above-it`,
      severity: 'error',
      from: { path: `^src/${floor}(/|\\.ts$)` },
      to: { path: `^src/((${higher})/|main\\.ts|app\\.module\\.ts|house\\.ts|databases\\.ts)` },
    })),
    {
      name: 'through-the-front-door',
      severity: 'error',
      from: { path: `^src/(${modules})/` },
      to: { path: `^src/(${modules})/`, pathNot: ['^src/$1/', `^src/(${modules})/index\\.ts$`] },
    },
    {
      name: 'payments-and-inventory-know-nobody',
      severity: 'error',
      from: { path: '^src/(payments|inventory)/' },
      to: { path: `^src/(${modules})/`, pathNot: '^src/$1/' },
    },
    {
      name: 'orders-knows-not-notifications',
      severity: 'error',
      from: { path: '^src/orders/' },
      to: { path: '^src/notifications/' },
    },
    {
      name: 'ops-knows-no-module',
      severity: 'error',
      from: { path: '^src/ops/' },
      to: { path: `^src/(${modules})/` },
    },
    {
      name: 'modules-know-not-ops',
      severity: 'error',
      from: { path: `^src/(${modules})/` },
      to: { path: '^src/ops/' },
    },
    {
      name: 'nobody-knows-the-command-line',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'aggregates-are-pure',
      severity: 'error',
      from: { path: '^src/(orders/(order|story)|payments/payment|inventory/stock)\\.ts$' },
      to: {
        path: ['node_modules', '^src/(database|messaging|gates)/', '\\.(controller|module|repository|schema)\\.ts$'],
      },
    },
    {
      name: 'one-file-speaks-amqp',
      severity: 'error',
      from: { path: '^src', pathNot: '^src/messaging/broker/broker\\.ts$' },
      to: { path: 'node_modules/(amqplib|amqp-connection-manager)/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'controllers-do-not-touch-tables',
      severity: 'error',
      from: { path: '\\.controller\\.ts$' },
      to: { path: ['\\.(repository|schema)\\.ts$', '^src/database/'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-test-code-in-the-product',
      severity: 'error',
      from: { path: '^src', pathNot: '\\.spec\\.ts$' },
      to: { path: '^test/' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: '\\.spec\\.ts$',
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
