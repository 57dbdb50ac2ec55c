"""Faults of training runs and of the files that they leave."""

from __future__ import annotations

from faults.fault import Fault

LOOP = "tests/training/test_loop.py::"
SNAPSHOTS = "tests/training/test_snapshots.py::"
STORAGE = "tests/test_storage.py::"
REFUSALS = "tests/test_storage_refusals.py::"

RUN = "a training run is not what it says"
FILES = "a file is half-written or unchecked"

FAULTS: tuple[Fault, ...] = (
    Fault(
        RUN, "a loss that is not finite goes on to the weights", "training/update.py",
        "if not math.isfinite(value):  # in one", "if value is None:  # in one",
        (LOOP + "test_a_loss_that_is_not_finite_names_step_and_row_and_leaves_the_weights",),
    ),
    Fault(
        RUN, "a gradient that is not finite goes on to the weights", "training/update.py",
        "if not math.isfinite(norm):", "if norm is None:",
        (LOOP + "test_a_gradient_that_is_not_finite_names_step_and_row_and_leaves_the_weights",),
    ),
    Fault(
        RUN, "a snapshot forgets the optimiser", "training/snapshots.py",
        'for index, moments in optimiser.state_dict()["state"].items():',
        "for index, moments in dict[int, dict[str, Tensor]]().items():",
        (LOOP + "test_an_interrupted_run_goes_on_to_the_same_weights",
         SNAPSHOTS + "test_the_average_goes_on_where_it_was"),
    ),
    Fault(
        RUN, "a killed run starts again from nothing", "training/loop.py",
        "            run.resume()\n", "            pass\n",
        (SNAPSHOTS + "test_a_finished_run_is_not_trained_again",
         SNAPSHOTS + "test_the_snapshot_of_other_data_is_refused"),
    ),
    Fault(
        RUN, "dropout draws from the global random numbers", "training/update.py",
        'with seeded(torch_seed(self.plan.seed, "update", *_keys(step, shard)), self.device):\n'
        "                    batch",
        "if self.device:\n                    batch",
        (LOOP + "test_global_random_numbers_are_neither_read_nor_moved",),
    ),
    Fault(
        FILES, "files are written in place", "storage.py",
        "partial.replace(path)", "path.write_bytes(data)",
        (STORAGE + "test_a_crash_before_a_rename_leaves_the_old_model",
         STORAGE + "test_a_kill_leaves_the_old_model_and_the_next_save_cleans_up"),
    ),
    Fault(
        FILES, "a manifest is in place before its arrays", "storage.py",
        "    write_bytes_atomically(folder / arrays_file, packed)\n"
        "    write_text_atomically(folder / MANIFEST, text)\n",
        "    write_text_atomically(folder / MANIFEST, text)\n"
        "    write_bytes_atomically(folder / arrays_file, packed)\n",
        (STORAGE + "test_a_crash_before_a_rename_leaves_the_old_model",),
    ),
    Fault(
        FILES, "hashes are not checked", "storage.py",
        'if hashlib.sha256(data).hexdigest() != entry["sha256"]:', "if data is None:",
        (REFUSALS + "test_a_damaged_model_is_refused_in_a_sentence_that_names_the_folder",),
    ),
)  # fmt: skip
