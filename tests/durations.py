"""Tests that take long, by name: what `make check` and `make test` leave out.

Each entry is the beginning of test names without `tests/`; one that begins no test is an error.
"""

# Left out of `make test`, where cheaper siblings stay: `make test-long` runs them.
LONG = (
    # Whole networks of millions of MACs on emulators; KWS, AD and the wake words stay.
    "test_models.py::test_two_hundred_inputs_on_the_main_places[ic-cortex-m4]",
    "test_models.py::test_two_hundred_inputs_on_the_main_places[ic-rpi4]",
    "test_models.py::test_two_hundred_inputs_on_the_main_places[vww-cortex-m4]",
    "test_models.py::test_two_hundred_inputs_on_the_main_places[vww-rpi4]",
    "test_models.py::test_four_inputs_on_every_other_core[ic-",
    "test_models.py::test_four_inputs_on_every_other_core[vww-",
    "test_budgets.py::test_no_other_core_takes_more_instructions[cortex-m0plus-resnet8]",
    "test_budgets.py::test_no_other_core_takes_more_instructions[cortex-m0plus-vww]",
    "test_budgets.py::test_no_other_core_takes_more_instructions[cortex-m3-",
    "test_budgets.py::test_no_other_core_takes_more_instructions[cortex-m7-",
    "test_budgets.py::test_no_other_core_takes_more_instructions[cortex-m33-",
    "test_budgets.py::test_no_other_core_takes_more_instructions[cortex-m55-resnet8]",
    "test_budgets.py::test_no_other_core_takes_more_instructions[cortex-m55-vww]",
    "test_budgets.py::test_no_other_core_takes_more_instructions[riscv32imc-resnet8]",
    "test_budgets.py::test_no_other_core_takes_more_instructions[riscv32imc-vww]",
    "test_budgets.py::test_mve_takes_fewer_instructions_than_the_peer[resnet8]",
    "test_budgets.py::test_mve_takes_fewer_instructions_than_the_peer[vww]",
    "test_float_models.py::test_detectors_build_for_rpi4",
    "test_float_models.py::test_same_bytes_in_every_place[resnet20",
    "test_float_models.py::test_same_bytes_in_every_place[vww float-cortex-m4]",
    "test_float_models.py::test_same_bytes_in_every_place[vww float-rpi4]",
    "test_memory.py::test_no_plan_is_larger_than_recorded[te_vww]",
    # Each model in each place and plan; the smallest network with streams stays.
    "test_places.py::test_all_places_and_plans_make_the_same_bytes[mltk",
    "test_places.py::test_all_places_and_plans_make_the_same_bytes[microwakeword",
    # Clang as zig ships it, on cores where GCC's images stay; zig's for Cortex-M4 stay.
    "test_stack.py::test_locals_are_counted_and_little_else[cortex-m0plus-zig]",
    "test_stack.py::test_locals_are_counted_and_little_else[cortex-m3-zig]",
    "test_stack.py::test_locals_are_counted_and_little_else[cortex-m33-zig]",
    "test_stack.py::test_locals_are_counted_and_little_else[cortex-m55-zig]",
    "test_stack.py::test_locals_are_counted_and_little_else[rpi4-zig]",
    "test_stack.py::test_locals_are_counted_and_little_else[host-zig]",
    "test_stack.py::test_footprint_adds_up[cortex-m3-zig]",
    "test_stack.py::test_footprint_adds_up[cortex-m33-zig]",
    "test_stack.py::test_footprint_adds_up[cortex-m55-zig]",
    "test_stack.py::test_footprint_adds_up[rpi4-zig]",
    "test_emitted_c.py::test_sanitizers_find_nothing_and_guards_stay[kws-clang]",
    # The second half of the mutants.
    "test_hostile_files.py::test_mutants_are_refused_or_compiled[hello_world-2]",
    "test_hostile_files.py::test_mutants_are_refused_or_compiled[hello_world-3]",
    "test_hostile_files.py::test_mutants_are_refused_or_compiled[kws-2]",
    "test_hostile_files.py::test_mutants_are_refused_or_compiled[kws-3]",
)

# Left out of `make check`, as are those that say so themselves.
SLOW = (
    "test_cli.py::test_a_model_that_does_not_fit_is_still_written",
    "test_constant_channels.py::test_random_networks_compute_the_same_bytes",
    "test_constant_channels.py::test_a_twentieth_of_mcunet_is_constant",
    "test_determinism.py::test_two_builds_are_byte_identical",
    "test_emitted_c.py::test_sanitizers_find_nothing_and_guards_stay",
    "test_feed_commands.py::",
    "test_hostile_files.py::test_mutants_are_refused_or_compiled[kws",
    "test_offsets.py::test_live_blocks_never_overlap",
    "test_plan.py::test_the_checker_finds_a_moved_buffer_or_the_move_is_harmless",
    "test_plan.py::test_planned_memory_changes_no_byte",
    "test_pt2_files.py::test_mutants_are_refused_or_compiled",
    "test_ram_budget.py::",
    "test_random_plans.py::",
    "test_reference.py::test_at_least_two_hundred_inferences_that_are_not_all_one",
    "test_regions.py::",
    "test_stack.py::test_footprint_adds_up",
    "test_stack.py::test_locals_are_counted_and_little_else",
    "test_streams.py::test_any_choice_of_streams_gives_the_same_bytes",
    "test_toolchain.py::test_two_folders_give_identical_objects_and_images[cortex-m7-zig]",
    "test_variants.py::test_variants_equal_the_simulator_on_an_emulated_core[cortex-m55]",
)
