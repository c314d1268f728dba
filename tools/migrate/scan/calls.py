"""Names of functions, keywords and variables of well-known libraries whose strings name modules or paths.

Data only: what `places` looks up.  A name is here because its argument is documented to be a module or a path; what a
name here means for a given call is decided there.
"""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


IMPORTING = words("""
    import_module __import__ find_spec find_loader run_module run_path_module importorskip resolve_name import_string
    import_object locate load_object import_from_string import_class import_by_path load_module import_attr
    symbol_by_name find_module lazy_import walk_packages iter_modules module_available get_data
""")
# Calls whose first argument names a module.
MODULE_CALLS = IMPORTING | words("""
    files resource_filename resource_string resource_stream resource_exists resource_listdir open_text open_binary
    read_text read_binary contents is_resource as_file path_for patch object setattr delattr getLogger get_logger
    getChild at_level set_level get_class find_package_path PackageLoader autodiscover_tasks config_from_object multiple
    loads_module record_tuples assertLogs assertNoLogs include import_path filterwarnings loadTestsFromName
    loadTestsFromNames ModuleType ModuleSpec set_forkserver_preload DocTestSuite load_ext
""")
# Calls that also take a name which begins with a dot, below the package of the caller.
RELATIVE_CALLS = MODULE_CALLS | words("scan maybe_dotted load_extension")
ANY_ARGUMENT = words("import_module __import__ resolve_name at_level set_level find_spec walk_packages iter_modules")
# Calls of which a variable, too, is followed to its value.
FLOWING = IMPORTING | words("files getLogger get_logger at_level set_level")
# Methods of many other things as well: only a dotted literal counts.
ONLY_DOTTED = words("patch setattr delattr object multiple include read_text contents getChild filterwarnings")
MODULE_KEYWORDS = words(
    "logger package anchor module mod_name modname module_name dotted_path target_module import_name"
)
# Keywords of the calls above that take the module; `reason` and its like do not.
CALL_KEYWORDS = MODULE_KEYWORDS | words("name fullname prefix target logger_name settings")
# Calls through which a value goes: what they give has it, or parts of it.
PASSING = words("format format_map list tuple set sorted frozenset iter reversed enumerate dict str param")
PATH_CALLS = words("""
    Path PurePath PosixPath open exists isfile isdir listdir glob rglob iglob chdir joinpath join copytree copy copyfile
    rmtree walk scandir mkdir makedirs load_source spec_from_file_location is_file is_dir
""")
IDENTITY_CALLS = words("""
    getLogger get_logger at_level set_level assertLogs assertNoLogs assertEqual assertIn assertRegex assertRaisesRegex
    raises warns filterwarnings startswith endswith removeprefix Filter send_task relationship backref
    Extension CythonExtension Pybind11Extension RustExtension
""")
# Settings whose keys or values are names that code gives itself, such as those of tasks.
IDENTITY_VARIABLES = words("""
    task_routes task_annotations beat_schedule CELERY_TASK_ROUTES CELERY_BEAT_SCHEDULE CELERY_TASK_ANNOTATIONS
""")
# Calls whose text is an address of a web application, even where a folder has the same name.
ROUTE_CALLS = words("""
    path re_path url route get post put patch delete head options request websocket mount add_url_rule add_api_route
    add_route include_router register redirect reverse urljoin goto websocket_connect api_route Mount Route
    reverse_lazy resolve_url url_for
""")
ROUTE_KEYWORDS = words("prefix url_prefix route url rule endpoint base_url href")
COMMAND_CALLS = words("""
    run Popen call check_call check_output system popen execute create_subprocess_exec create_subprocess_shell
    run_always install main invoke split
""")
# Of these, what takes a whole command line as one text.
SHELL_CALLS = words("run Popen call check_call check_output system popen getoutput create_subprocess_shell sudo local")
EVALUATING = words("eval exec runctx timeit repeat Timer")  # they may take the namespace in which code is run
ATTRIBUTE_CALLS = words("attrgetter methodcaller itemgetter")
# Calls whose text is "label.Model", or the like, where the label is no package.
LABEL_CALLS = words("""
    ForeignKey OneToOneField ManyToManyField GenericRelation ParentalKey get_model has_model Table
    has_perm permission_required url_for
""")
# Calls whose text names a measurement, a span or a topic: a name of its own, whatever it looks like.
MEASURING_CALLS = words("""
    incr increment decr decrement gauge histogram timing timer timed counter meter distribution create_counter
    create_histogram create_gauge start_span start_as_current_span publish subscribe produce create_topic
""")
MEASURING_KEYS = words("metric metric_name measurement")  # of keywords and dictionaries that hold such a name
NAME_ATTRIBUTES = words("__name__ __module__ __package__ __qualname__")
NAME_METHODS = words("startswith endswith removeprefix removesuffix split rsplit partition rpartition replace find")
# What these give of a module's name is still one, or a part of one.
NAME_KEEPERS = words("split rsplit partition rpartition strip removeprefix removesuffix lower replace")
MODULE_FLAGS = ("-m", "--pyargs", "-p", "--package", "--module", "--import", "--verifytypes")
MEASURED_FLAGS = ("--cov",)  # of the folder of that name, where there is one, else of the package
MODULE_VARIABLES = words("pytest_plugins autodoc_mock_imports modindex_common_prefix INSTALLED_APPS known_first_party")
# Calls that take the name of a group of entry points, which is a name of its own, whatever module is called the same.
GROUP_CALLS = words("entry_points iter_entry_points get_entry_map get_entry_info load_entry_point select")
GROUP_KEYWORDS = words("group entry_point_group entrypoint_group ep_group")
DISTRIBUTION_CALLS = words("version distribution metadata requires get_distribution require")
INSTALLING = words("install conda_install run_install pip_install")
# What has the name of a module in its `name`, by what it is mostly called: loggers, specs.
NAMED_AFTER_MODULES = words("__spec__ logger log _log _logger LOG LOGGER module_info modinfo")
RECORD_METHODS = words("filter emit format handle formatMessage")  # of filters, handlers and formatters of logging
